/** The objects of a fleet. */
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";

export const NAMESPACE = "kube-system";
export const FLEET = "fleet";

const machineSpec = (token: string): Machine["spec"] => ({
  metadata: { labels: { fleet: FLEET } },
  providerSpec: {
    value: {
      sshPublicKeys: [],
      cloudProvider: "hetzner",
      cloudProviderSpec: { token, serverType: "cx23", location: "nbg1" },
      operatingSystem: "ubuntu",
      operatingSystemSpec: {},
    },
  },
  versions: { kubelet: "1.36.2" },
});

export const machineOf = (name: string, token: string): Machine => ({
  apiVersion: API_VERSION,
  kind: "Machine",
  metadata: { name, namespace: NAMESPACE },
  spec: machineSpec(token),
});

export const deploymentOf = (replicas: number, token: string): MachineDeployment => ({
  apiVersion: API_VERSION,
  kind: "MachineDeployment",
  metadata: { name: FLEET, namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { fleet: FLEET } },
    template: { metadata: { labels: { fleet: FLEET } }, spec: machineSpec(token) },
  },
});
