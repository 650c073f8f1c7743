/** A merge patch of `Machine.status` that changes no more than what is worth a write. */
import type { Condition, Machine, MachineStatus } from "@machine-controller/api";
import type { MergePatch } from "./decision.ts";
import type { Snapshot } from "./snapshot.ts";

export type Wanted = Pick<Condition, "type" | "status"> & { reason: string; message: string };

/**
 * The patch for the wanted conditions (others stay) and fields (`null` removes one). A condition that differs in nothing
 * but `InstanceReady` turning True before the Node joins is not worth a write: the write that records the Node says it.
 */
export function statusPatch(
  { machine, nowMs, node }: Snapshot,
  wanted: readonly Wanted[],
  fields: Readonly<Record<string, unknown>>,
): MergePatch | undefined {
  const now = new Date(nowMs).toISOString();
  const status: MachineStatus = machine.status ?? {};
  const operation = operationOf(machine, fields);
  const changes = Object.entries({ ...fields, lastOperation: operation }).filter(
    ([key, value]) => !sameField(status[key as keyof MachineStatus], value),
  );
  const stale = wanted.filter((condition) => !sameCondition(condition, conditionOf(machine, condition.type)));
  const onlyRunning = stale.every(
    ({ type, status }) =>
      type === "InstanceReady" &&
      status === "True" &&
      node === undefined &&
      conditionOf(machine, type)?.status !== "Unknown",
  );
  if (changes.length === 0 && onlyRunning) return undefined;

  const replaced = wanted.map((condition): Condition => {
    const current = conditionOf(machine, condition.type);
    const lastTransitionTime = isTransition(condition, current) ? now : current?.lastTransitionTime;
    return { ...condition, ...(lastTransitionTime && { lastTransitionTime }) };
  });
  const description = wanted.find(({ status, message }) => status !== "True" && message !== "")?.message ?? "";
  const kept = (status.conditions ?? []).filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return {
    status: {
      ...Object.fromEntries(changes),
      conditions: [...kept, ...replaced],
      lastOperation: { ...operation, description, lastUpdated: now },
      lastUpdated: now,
    },
  };
}

/** In the words that the type has had since before anybody filled it. */
function operationOf(
  { metadata, status }: Machine,
  { phase = status?.phase, errorReason = status?.errorReason }: Readonly<Record<string, unknown>>,
): { type: string; state: string } {
  return {
    type: metadata.deletionTimestamp === undefined ? "Create" : "Delete",
    state: errorReason ? "Failed" : phase === "Running" ? "Successful" : "Processing",
  };
}

/** The join timeout counts from a Node's loss, whatever its state was before. */
const isTransition = (wanted: Wanted, current: Condition | undefined): boolean =>
  current?.status !== wanted.status || (wanted.reason === NODE_LOST && current.reason !== NODE_LOST);

/** Reason of NodeReady: a Node had joined, and is no more. */
export const NODE_LOST = "NodeLost";

export const conditionOf = (machine: Machine, type: string): Condition | undefined =>
  machine.status?.conditions?.find((condition) => condition.type === type);

const sameCondition = (wanted: Wanted, current: Condition | undefined): boolean =>
  current !== undefined &&
  current.status === wanted.status &&
  (current.reason ?? "") === wanted.reason &&
  (current.message ?? "") === wanted.message;

/** Equal, or `wanted` (an object) is contained in `current`; `null` is equal to absent. */
function sameField(current: unknown, wanted: unknown): boolean {
  if (wanted === null) return current === undefined || current === null;
  if (typeof wanted !== "object" || typeof current !== "object" || current === null) return current === wanted;
  return Object.entries(wanted).every(([key, value]) => sameField((current as Record<string, unknown>)[key], value));
}
