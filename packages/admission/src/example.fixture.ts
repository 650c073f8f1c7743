/** A cloud, a context and objects for tests. */
import { defineProvider, stringField, TerminalError } from "@machine-controller/provider";
import type { AdmissionContext, Raw } from "./admission.ts";
import { parseVersionConstraint } from "./kubelet-version.ts";

const never = async (): Promise<never> => {
  throw new Error("a cloud was asked");
};

const example = defineProvider({
  name: "example",
  title: "Example Cloud",
  documentation: "https://example.test",
  endpoint: { url: "https://cloud.test", env: "CLOUD_ENDPOINT" },
  credential: { token: stringField({ description: "Token.", env: "CLOUD_TOKEN", secret: true, required: true }) },
  config: {
    size: stringField({ description: "Size.", required: true }),
    zone: stringField({ description: "Zone." }),
    image: stringField({ description: "Image." }),
  },
  sizeField: "size",
  imageField: "image",
  operatingSystems: { ubuntu: "ubuntu-24.04" },
  idempotency: { class: "token", settleMs: 0, consistencyMs: 0 },
  userDataLimitBytes: 10,
  connect: () => ({}),
  addDefaults: (spec) => ({ ...spec, zone: spec["zone"] ?? "zone-1" }),
  validateConfig({ size, zone }) {
    if (size === "huge") {
      throw new TerminalError(
        "InvalidConfiguration",
        `spec.providerSpec.value.cloudProviderSpec.size: "${size}" is not sold in ${zone}; use large`,
      );
    }
  },
  list: never,
  get: never,
  create: never,
  cleanup: never,
});

export const context: AdmissionContext = {
  providers: new Map([["example", example]]),
  allowsKubelet: parseVersionConstraint(">=1.33.0"),
  kubeletFeatureGates: { RotateKubeletServerCertificate: true },
  externalCloudProvider: true,
};

export const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINiOYNVrVjDHhDSV7/6frvy2TfRUbv3LAJXp0YVRayiA u@h";

export const machineSpec = (envelope: Raw = {}): Raw => ({
  providerSpec: {
    value: {
      sshPublicKeys: [PUBLIC_KEY],
      cloudProvider: "example",
      cloudProviderSpec: { size: "large" },
      operatingSystem: "ubuntu",
      ...envelope,
    },
  },
  versions: { kubelet: "1.36.2" },
});

export const machine = (spec: Raw = machineSpec(), metadata: Raw = {}): Raw => ({
  apiVersion: "cluster.k8s.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "worker-1", namespace: "kube-system", ...metadata },
  spec,
});

export const machineDeployment = (spec: Raw = {}, metadata: Raw = {}): Raw => ({
  apiVersion: "cluster.k8s.io/v1alpha1",
  kind: "MachineDeployment",
  metadata: { name: "workers", namespace: "kube-system", ...metadata },
  spec: {
    selector: { matchLabels: { name: "workers" } },
    template: { metadata: { labels: { name: "workers" } }, spec: machineSpec() },
    ...spec,
  },
});
