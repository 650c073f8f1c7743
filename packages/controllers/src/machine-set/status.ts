/** `MachineSet.status` as it should be, and the patch that makes it so. */
import { type Condition, formatSelector, type MachineSet } from "@machine-controller/api";
import type { MergePatch } from "../machine/decision.ts";
import { isAvailable } from "./members.ts";
import { replicasOf, type Snapshot } from "./snapshot.ts";

type Status = NonNullable<MachineSet["status"]>;

/** @param problem why the spec cannot be acted on, in part or whole. */
export function statusPatch(snapshot: Snapshot, problem: string | undefined): MergePatch | undefined {
  const current = snapshot.machineSet.status ?? {};
  const fields: Record<string, unknown> = {
    ...countsOf(snapshot),
    errorReason: problem === undefined ? null : "InvalidConfiguration",
    errorMessage: problem ?? null,
  };
  const changes = Object.entries(fields).filter(([field, value]) => (current[field as keyof Status] ?? null) !== value);
  const conditions = conditionsOf(snapshot, current.conditions ?? []);
  if (changes.length === 0 && conditions === undefined) return undefined;
  return { status: { ...Object.fromEntries(changes), ...(conditions && { conditions }) } };
}

function countsOf({ machineSet: { metadata, spec }, members, nowMs }: Snapshot): Status {
  const labels = Object.entries(spec.template.metadata?.labels ?? {});
  return {
    replicas: members.length,
    fullyLabeledReplicas: members.filter(({ machine }) =>
      labels.every(([key, value]) => machine.metadata.labels?.[key] === value),
    ).length,
    readyReplicas: members.filter(({ isReady }) => isReady).length,
    availableReplicas: members.filter((member) => isAvailable(member, nowMs)).length,
    observedGeneration: metadata.generation ?? 0,
    labelSelector: formatSelector(spec.selector),
  };
}

/** The conditions with ReplicaFailure as it should be, as a ReplicaSet has it; undefined where nothing differs. */
function conditionsOf(
  { failure, machineSet, members, unseen, nowMs }: Snapshot,
  current: readonly Condition[],
): Condition[] | undefined {
  const had = current.find(({ type }) => type === "ReplicaFailure");
  const others = current.filter((condition) => condition !== had);
  if (failure === undefined) {
    // It stands until a pass has nothing left to try.
    const isOver = members.length + unseen === replicasOf(machineSet);
    return had !== undefined && isOver ? others : undefined;
  }
  if (had?.reason === failure.reason && had.message === failure.message) return undefined;
  const lastTransitionTime = had?.lastTransitionTime ?? new Date(nowMs).toISOString();
  return [...others, { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime }];
}
