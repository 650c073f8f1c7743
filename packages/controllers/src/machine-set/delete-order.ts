/** Which Machines of a MachineSet go first when it shrinks. */
import type { MachineSet } from "@machine-controller/api";
import { ANNOTATION_DELETE_MACHINE } from "@machine-controller/api/well-known";
import { isAvailable, type Member } from "./members.ts";

/**
 * Those that somebody chose, then those that serve nobody yet or any more (failed, no Node, not Ready, Ready for less than
 * minReadySeconds), then the cordoned, then the MachineSet's deletePolicy. `Random` is the order of the UIDs: random
 * enough, and the same on every pass.
 */
export function deletionOrder(
  members: readonly Member[],
  policy: MachineSet["spec"]["deletePolicy"],
  nowMs: number,
): Member[] {
  const ranked = members.map((member) => ({ member, rank: rankOf(member, nowMs) }));
  return ranked.toSorted((a, b) => a.rank - b.rank || byPolicy(policy, a.member, b.member)).map(({ member }) => member);
}

function rankOf(member: Member, nowMs: number): number {
  const { machine, node, isDoomed, isReady } = member;
  if (machine.metadata.annotations?.[ANNOTATION_DELETE_MACHINE]) return 0;
  if (isDoomed) return 1;
  if (node === undefined) return 2;
  if (!isReady) return 3;
  if (!isAvailable(member, nowMs)) return 4;
  return node.spec?.unschedulable ? 5 : 6;
}

function byPolicy(
  policy: MachineSet["spec"]["deletePolicy"],
  { machine: { metadata: a } }: Member,
  { machine: { metadata: b } }: Member,
): number {
  const byUid = (a.uid ?? "") < (b.uid ?? "") ? -1 : 1;
  const age = Date.parse(a.creationTimestamp ?? "") - Date.parse(b.creationTimestamp ?? "");
  if (policy === "Oldest") return age || byUid;
  if (policy === "Newest") return -age || byUid;
  return byUid;
}
