/** Which Machines of a MachineSet go first when it shrinks. */
import type { Machine, MachineSet } from "@machine-controller/api";
import { ANNOTATION_DELETE_MACHINE } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { isNodeReady } from "../machine/node-match.ts";

/**
 * Those that somebody chose, then those that serve nobody (failed, no Node, not Ready, cordoned), then the MachineSet's
 * deletePolicy. `Random` is the order of the UIDs: random enough, and the same on every pass.
 */
export function deletionOrder(
  machines: readonly Machine[],
  policy: MachineSet["spec"]["deletePolicy"],
  nodeOf: (machine: Machine) => Node | undefined,
): Machine[] {
  const ranked = machines.map((machine) => ({ machine, rank: rankOf(machine, nodeOf(machine)) }));
  return ranked
    .toSorted((a, b) => a.rank - b.rank || byPolicy(policy, a.machine, b.machine))
    .map(({ machine }) => machine);
}

function rankOf({ metadata, status }: Machine, node: Node | undefined): number {
  if (metadata.annotations?.[ANNOTATION_DELETE_MACHINE]) return 0;
  if (status?.errorReason || status?.errorMessage) return 1;
  if (node === undefined) return 2;
  if (!isNodeReady(node)) return 3;
  return node.spec?.unschedulable ? 4 : 5;
}

function byPolicy(policy: MachineSet["spec"]["deletePolicy"], a: Machine, b: Machine): number {
  const byUid = (a.metadata.uid ?? "") < (b.metadata.uid ?? "") ? -1 : 1;
  const age = Date.parse(a.metadata.creationTimestamp ?? "") - Date.parse(b.metadata.creationTimestamp ?? "");
  if (policy === "Oldest") return age || byUid;
  if (policy === "Newest") return -age || byUid;
  return byUid;
}
