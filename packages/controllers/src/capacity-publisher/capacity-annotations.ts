/** What the cluster-autoscaler is told of a Node that does not exist yet, in the annotations that its clusterapi provider reads. */
import type { MachineSpec } from "@machine-controller/api";
import { ANNOTATION_PREFIX_CAPACITY, LABEL_OPERATING_SYSTEM } from "@machine-controller/api/well-known";
import { kubeletShare } from "@machine-controller/bootstrap";
import type { Capacity } from "@machine-controller/provider";
import { parseQuantity } from "./quantity.ts";

/** Firmware and kernel keep this share of the memory that is sold. */
const MEMORY_OVERHEAD = 0.075;
/** The hard eviction thresholds of our kubelets. */
const EVICTION = { memoryMiB: 100, diskShare: 0.1 };
const MIB = 2 ** 20;

/**
 * The autoscaler takes capacity for what pods may have, and would add Nodes for ever for a pod that does not fit: so this
 * is what the kubelet leaves of the instance, and rather too little.
 * @param input.annotations of the Machines, which may change what their kubelets reserve.
 * @throws BootstrapError where those are none a kubelet takes.
 */
export function capacityAnnotations(input: {
  capacity: Capacity;
  spec: MachineSpec;
  annotations: Readonly<Record<string, string>> | undefined;
  /** A cloud-controller-manager labels the Nodes. */
  externalCloudProvider: boolean;
}): Record<string, string> {
  const { capacity, spec } = input;
  const { reserved, maxPods } = kubeletShare(input.annotations);
  const kept = (resource: string): number =>
    reserved.reduce((sum, quantities) => sum + parseQuantity(quantities[resource] ?? "0"), 0);
  const cpuMillis = Math.floor((capacity.cpus - kept("cpu")) * 1_000);
  const memoryMiB = Math.floor(capacity.memoryMiB * (1 - MEMORY_OVERHEAD) - kept("memory") / MIB - EVICTION.memoryMiB);
  const { diskMiB } = capacity;
  const leftMiB = diskMiB && Math.floor(diskMiB * (1 - EVICTION.diskShare) - kept("ephemeral-storage") / MIB);
  const operatingSystem = spec.providerSpec.value?.["operatingSystem"];
  const labels = {
    "kubernetes.io/arch": capacity.architecture,
    "kubernetes.io/os": "linux",
    ...(typeof operatingSystem === "string" && { [LABEL_OPERATING_SYSTEM]: operatingSystem }),
    ...(input.externalCloudProvider && capacity.labels),
    ...spec.metadata?.labels,
  };
  const told = {
    cpu: `${Math.max(0, cpuMillis)}m`,
    memory: `${Math.max(0, memoryMiB)}Mi`,
    ...(leftMiB && { "ephemeral-disk": `${Math.max(0, leftMiB)}Mi` }),
    ...(maxPods !== undefined && { maxPods: String(maxPods) }),
    ...(capacity.gpus && { "gpu-count": String(capacity.gpus.count), "gpu-type": capacity.gpus.resource }),
    labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .toSorted()
      .join(","),
    ...(spec.taints?.length && {
      taints: spec.taints.map(({ key, value = "", effect }) => `${key}=${value}:${effect}`).join(","),
    }),
  };
  return Object.fromEntries(
    Object.entries(told).map(([name, value]) => [`${ANNOTATION_PREFIX_CAPACITY}/${name}`, value]),
  );
}
