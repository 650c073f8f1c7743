/** The Node a kubelet registers, and the status it reports. */
import type { KubeletOptions } from "./kubelet-options.ts";
import type { KubeObject } from "./kube-api.ts";
import { primaryAddress, type MachineSpec } from "./machine-spec.ts";

export type NodeIdentity = { machineId: string; bootId: string; systemUuid: string };

type Condition = { type: string; status: "True" | "False"; reason: string; message: string };

const HEALTHY: readonly Condition[] = [
  {
    type: "MemoryPressure",
    status: "False",
    reason: "KubeletHasSufficientMemory",
    message: "kubelet has sufficient memory available",
  },
  {
    type: "DiskPressure",
    status: "False",
    reason: "KubeletHasNoDiskPressure",
    message: "kubelet has no disk pressure",
  },
  {
    type: "PIDPressure",
    status: "False",
    reason: "KubeletHasSufficientPID",
    message: "kubelet has sufficient PID available",
  },
];
const READY: Condition = {
  type: "Ready",
  status: "True",
  reason: "KubeletReady",
  message: "kubelet is posting ready status",
};
const STARTING: Condition = {
  type: "Ready",
  status: "False",
  reason: "KubeletNotReady",
  message: "container runtime network not ready: cni plugin not initialized",
};

export function createNode(options: KubeletOptions, machine: MachineSpec): KubeObject {
  const taints = [
    ...options.taints,
    ...(options.isCloudProviderExternal
      ? [{ key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }]
      : []),
  ];
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: options.nodeName,
      labels: createLabels(options, machine),
      annotations: {
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        ...(options.isCloudProviderExternal &&
          options.nodeIp !== undefined && { "alpha.kubernetes.io/provided-node-ip": options.nodeIp }),
      },
    },
    spec: {
      ...(options.providerId !== undefined && { providerID: options.providerId }),
      ...(taints.length > 0 && { taints }),
    },
  };
}

export function createLabels(options: KubeletOptions, machine: MachineSpec): Record<string, string> {
  return {
    ...options.labels,
    "beta.kubernetes.io/arch": machine.architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": machine.architecture,
    "kubernetes.io/hostname": options.nodeName,
    "kubernetes.io/os": "linux",
  };
}

export type NodeStatusInput = {
  options: KubeletOptions;
  machine: MachineSpec;
  identity: NodeIdentity;
  isReady: boolean;
  /** When the Ready condition last changed. */
  since: Date;
  now: Date;
};

export function createNodeStatus({ options, machine, identity, isReady, since, now }: NodeStatusInput): object {
  const resources = {
    cpu: String(machine.cpus),
    memory: `${machine.memoryMiB * 1024}Ki`,
    "ephemeral-storage": `${machine.diskGiB * 1024 * 1024}Ki`,
    pods: String(options.maxPods),
  };
  return {
    addresses: nodeAddresses(options, machine),
    capacity: resources,
    allocatable: resources,
    conditions: [...HEALTHY, isReady ? READY : STARTING].map((condition) => ({
      ...condition,
      lastHeartbeatTime: toSeconds(now),
      lastTransitionTime: toSeconds(since),
    })),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: identity.machineId,
      systemUUID: identity.systemUuid,
      bootID: identity.bootId,
      kernelVersion: "6.8.0-71-generic",
      osImage: machine.osImage,
      containerRuntimeVersion: "containerd://2.2.0",
      kubeletVersion: options.version,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: machine.architecture,
    },
  };
}

/** The address in use by the kubelet comes first; public ones that differ from it are external. */
export function nodeAddresses(options: KubeletOptions, machine: MachineSpec): { type: string; address: string }[] {
  const nodeIp = options.nodeIp ?? primaryAddress(machine);
  const external = machine.addresses.filter(({ type, address }) => type === "ExternalIP" && address !== nodeIp);
  return [
    ...(nodeIp !== undefined ? [{ type: "InternalIP", address: nodeIp }] : []),
    ...external,
    { type: "Hostname", address: options.nodeName },
  ];
}

/** Kubernetes times carry no fraction. */
function toSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
