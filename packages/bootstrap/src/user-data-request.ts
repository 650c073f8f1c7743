import type { Machine, ProviderSpec, Taint } from "@machine-controller/api";

/** Everything user data is made of; equal requests give equal documents. */
export type UserDataRequest = {
  machine: Machine;
  providerSpec: ProviderSpec;
  /** As `bootstrapKubeconfig` makes it; the only secret in user data beside `cloudConfig`. */
  bootstrapKubeconfig: string;
  caCertificatePem: string;
  /** Addresses of the cluster's DNS service. */
  clusterDns: readonly string[];
  /** `--provider-id` of the kubelet; left out where a cloud-controller-manager gives Nodes theirs. */
  kubeletProviderId?: string;
  /** Whether a cloud-controller-manager completes the Node. */
  externalCloudProvider: boolean;
  kubeletFeatureGates: Readonly<Record<string, boolean>>;
  /** The kubelet registers its Node with these. */
  taints: readonly Taint[];
  /** Content of `/etc/kubernetes/cloud-config`, unless the providerSpec overwrites it. */
  cloudConfig?: string;
  /** Whether host and Node are named after the Machine, rather than as the cloud named the instance. */
  hostnameOverride: boolean;
};
