/** A request as the controller makes it for a Hetzner Machine; the sizes are those of real clusters. */
import type { Machine } from "@machine-controller/api";
import { bootstrapKubeconfig } from "./kubeconfig.ts";
import type { UserDataRequest } from "./user-data-request.ts";

export const TOKEN = "bcdfgh.2456789bcdfghjkl";
/** As long as the 2048-bit CA that kubeadm makes. */
export const CA_PEM = `-----BEGIN CERTIFICATE-----\n${`${"MIIDBTCCAe2gAwIBAgIIWq0n".repeat(3).slice(0, 64)}\n`.repeat(17)}-----END CERTIFICATE-----\n`;

export function machineFixture(spec: Partial<Machine["spec"]> = {}, annotations: Record<string, string> = {}): Machine {
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: {
      name: "workers-7d9f4c-x2k4q",
      namespace: "kube-system",
      uid: "3f6c1f6e-5b0f-4a59-9d6c-0f2a1c3b5d7e",
      annotations,
    },
    spec: { providerSpec: {}, versions: { kubelet: "1.33.0" }, ...spec },
  };
}

export function requestFixture(changes: Partial<UserDataRequest> = {}): UserDataRequest {
  const server = "https://k8s.example.com:6443";
  return {
    machine: machineFixture(),
    providerSpec: {
      cloudProvider: "hetzner",
      cloudProviderSpec: {},
      operatingSystem: "ubuntu",
      sshPublicKeys: [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleEx ops@example.com",
      ],
    },
    bootstrapKubeconfig: bootstrapKubeconfig({ server, caCertificatePem: CA_PEM, token: TOKEN }),
    caCertificatePem: CA_PEM,
    clusterDns: ["10.96.0.10"],
    kubeletProviderId: "kubermatic://hetzner/3f6c1f6e-5b0f-4a59-9d6c-0f2a1c3b5d7e",
    externalCloudProvider: false,
    kubeletFeatureGates: {},
    taints: [],
    hostnameOverride: true,
    ...changes,
  };
}
