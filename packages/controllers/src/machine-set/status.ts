import type { Machine, MachineSet } from "@machine-controller/api";
import type { Node } from "@machine-controller/kube-client";
import { isNodeReady } from "../machine/node-match.ts";

type Counted = Required<
  Pick<
    NonNullable<MachineSet["status"]>,
    "replicas" | "fullyLabeledReplicas" | "readyReplicas" | "availableReplicas" | "observedGeneration"
  >
>;

/** @returns the status, and when a Ready Machine next becomes available (milliseconds on the clock). */
export function machineSetStatus(
  { metadata, spec }: MachineSet,
  machines: readonly Machine[],
  { nodeOf, nowMs }: { nodeOf: (machine: Machine) => Node | undefined; nowMs: number },
): { status: Counted; nextAvailableAtMs: number | undefined } {
  const labels = Object.entries(spec.template.metadata?.labels ?? {});
  const waitMs = (spec.minReadySeconds ?? 0) * 1_000;
  let [fullyLabeledReplicas, readyReplicas, availableReplicas] = [0, 0, 0];
  let nextAvailableAtMs: number | undefined;
  for (const machine of machines) {
    if (labels.every(([key, value]) => machine.metadata.labels?.[key] === value)) fullyLabeledReplicas++;
    const node = nodeOf(machine);
    if (node === undefined || !isNodeReady(node)) continue;
    readyReplicas++;
    const since = node.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "";
    // Without a time it has been Ready for ever.
    const availableAtMs = (Date.parse(since) || -Infinity) + waitMs;
    if (availableAtMs <= nowMs) availableReplicas++;
    else nextAvailableAtMs = Math.min(nextAvailableAtMs ?? Infinity, availableAtMs);
  }
  const status = {
    replicas: machines.length,
    fullyLabeledReplicas,
    readyReplicas,
    availableReplicas,
    observedGeneration: metadata.generation ?? 0,
  };
  return { status, nextAvailableAtMs };
}
