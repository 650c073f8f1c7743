/** The kubelet's configuration file. */
import { stringify } from "yaml";
import { remembered } from "./remembered.ts";

export type KubeletConfigOptions = {
  clusterDns: readonly string[];
  featureGates: Readonly<Record<string, boolean>>;
  /** Where pods' resolvers come from; undefined where `/etc/resolv.conf` is no local stub. */
  resolvConf?: string;
  /** Path of the CA that API clients of the kubelet are checked against. */
  clientCaFile: string;
  /** Fields that win over all others. */
  overrides: Readonly<Record<string, unknown>>;
};

const TLS_CIPHER_SUITES = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  ...["ECDSA", "RSA"].flatMap((key) =>
    ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305"].map(
      (cipher) => `TLS_ECDHE_${key}_WITH_${cipher}`,
    ),
  ),
];
/** What the kubelet keeps from pods twice over, as `kubeReserved` and as `systemReserved`. */
export const RESERVED: Readonly<Record<string, string>> = { cpu: "200m", memory: "200Mi", "ephemeral-storage": "1Gi" };

/** `kubelet.config.k8s.io/v1beta1` as YAML. A feature gate that the kubelet does not know keeps it from starting. */
export const kubeletConfig = remembered((options: KubeletConfigOptions): string => {
  const { clusterDns, featureGates, resolvConf, clientCaFile, overrides } = options;
  return stringify(
    {
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true, cacheTTL: "2m0s" },
        x509: { clientCAFile: clientCaFile },
      },
      authorization: { mode: "Webhook", webhook: { cacheAuthorizedTTL: "5m0s", cacheUnauthorizedTTL: "30s" } },
      cgroupDriver: "systemd",
      clusterDNS: clusterDns,
      clusterDomain: "cluster.local",
      containerLogMaxFiles: 5,
      containerLogMaxSize: "100Mi",
      evictionHard: {
        "imagefs.available": "15%",
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "nodefs.inodesFree": "5%",
      },
      ...(Object.keys(featureGates).length > 0 && { featureGates }),
      kubeReserved: RESERVED,
      maxParallelImagePulls: 10,
      protectKernelDefaults: true,
      readOnlyPort: 0,
      ...(resolvConf !== undefined && { resolvConf }),
      rotateCertificates: true,
      serializeImagePulls: false,
      serverTLSBootstrap: true,
      staticPodPath: "/etc/kubernetes/manifests",
      systemReserved: RESERVED,
      tlsCipherSuites: TLS_CIPHER_SUITES,
      volumePluginDir: "/var/lib/kubelet/volumeplugins",
      ...overrides,
    },
    { version: "1.1", lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false },
  );
});
