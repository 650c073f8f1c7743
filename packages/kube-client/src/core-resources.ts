// Kinds of Kubernetes itself, as far as controllers look at them. Fields not named here still arrive and are kept.
import type { KubeObject } from "./object.ts";
import { type Resource, defineResource } from "./resource.ts";

export type Condition = {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastHeartbeatTime?: string;
};

export type Taint = {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  timeAdded?: string;
};

export type NodeAddress = { type: string; address: string };

export type Node = KubeObject & {
  spec?: { providerID?: string; unschedulable?: boolean; taints?: Taint[]; podCIDR?: string; podCIDRs?: string[] };
  status?: {
    addresses?: NodeAddress[];
    conditions?: Condition[];
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    nodeInfo?: NodeSystemInfo;
    volumesAttached?: { name: string; devicePath: string }[];
    volumesInUse?: string[];
  };
};

export type NodeSystemInfo = {
  kubeletVersion: string;
  containerRuntimeVersion: string;
  osImage: string;
  kernelVersion: string;
  operatingSystem: string;
  architecture: string;
  kubeProxyVersion?: string;
  machineID?: string;
  systemUUID?: string;
  bootID?: string;
};

export type Pod = KubeObject & {
  spec?: {
    nodeName?: string;
    terminationGracePeriodSeconds?: number;
    priority?: number;
    tolerations?: { key?: string; operator?: string; value?: string; effect?: string; tolerationSeconds?: number }[];
    volumes?: ({ name: string; persistentVolumeClaim?: { claimName: string } } & Record<string, unknown>)[];
  };
  status?: { phase?: string; conditions?: Condition[]; podIP?: string };
};

export type Secret = KubeObject & {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
  /** Written as plain text, never read back. */
  stringData?: Record<string, string>;
  immutable?: boolean;
};

export type ConfigMap = KubeObject & {
  data?: Record<string, string>;
  /** Base64. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
};

export type Namespace = KubeObject & { spec?: { finalizers?: string[] }; status?: { phase?: string } };

export type ObjectReference = {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
};

export type Event = KubeObject & {
  involvedObject: ObjectReference;
  type?: string;
  reason?: string;
  message?: string;
  action?: string;
  source?: { component?: string; host?: string };
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  count?: number;
  reportingComponent?: string;
  reportingInstance?: string;
};

export type Lease = KubeObject & {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds, as `renewTime`. */
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
};

export type CertificateSigningRequest = KubeObject & {
  spec: {
    /** Base64 of the PEM. */
    request: string;
    signerName: string;
    usages?: string[];
    expirationSeconds?: number;
    username?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
  };
  status?: {
    conditions?: (Condition & { lastUpdateTime?: string })[];
    /** Base64 of the PEM. */
    certificate?: string;
  };
};

export type VolumeAttachment = KubeObject & {
  spec: { attacher: string; nodeName: string; source: { persistentVolumeName?: string } & Record<string, unknown> };
  status?: { attached: boolean };
};

export type PersistentVolume = KubeObject & {
  spec?: { claimRef?: ObjectReference; storageClassName?: string } & Record<string, unknown>;
  status?: { phase?: string };
};

export type PersistentVolumeClaim = KubeObject & {
  spec?: { volumeName?: string; storageClassName?: string };
  status?: { phase?: string };
};

/** What a controller needs to tell a DaemonSet's Pods apart. */
export type DaemonSet = KubeObject & { spec?: { selector?: { matchLabels?: Record<string, string> } } };

export type CustomResourceDefinition = KubeObject & {
  spec: Record<string, unknown>;
  status?: { conditions?: Condition[] };
};

export const coreResources = {
  nodes: core<Node>("nodes", "Node", false),
  namespaces: core<Namespace>("namespaces", "Namespace", false),
  pods: core<Pod>("pods", "Pod", true),
  secrets: core<Secret>("secrets", "Secret", true),
  configMaps: core<ConfigMap>("configmaps", "ConfigMap", true),
  events: core<Event>("events", "Event", true),
  persistentVolumes: core<PersistentVolume>("persistentvolumes", "PersistentVolume", false),
  persistentVolumeClaims: core<PersistentVolumeClaim>("persistentvolumeclaims", "PersistentVolumeClaim", true),
  daemonSets: defineResource<DaemonSet>({
    group: "apps",
    version: "v1",
    kind: "DaemonSet",
    plural: "daemonsets",
    namespaced: true,
  }),
  leases: defineResource<Lease>({
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
    plural: "leases",
    namespaced: true,
  }),
  certificateSigningRequests: defineResource<CertificateSigningRequest>({
    group: "certificates.k8s.io",
    version: "v1",
    kind: "CertificateSigningRequest",
    plural: "certificatesigningrequests",
    namespaced: false,
  }),
  volumeAttachments: defineResource<VolumeAttachment>({
    group: "storage.k8s.io",
    version: "v1",
    kind: "VolumeAttachment",
    plural: "volumeattachments",
    namespaced: false,
  }),
  customResourceDefinitions: defineResource<CustomResourceDefinition>({
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    namespaced: false,
  }),
} as const;

function core<T extends KubeObject>(plural: string, kind: string, namespaced: boolean): Resource<T> {
  return defineResource<T>({ group: "", version: "v1", kind, plural, namespaced });
}
