/** How often a MachineSet or MachineDeployment is looked at and its status written: what happens within a moment is one. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";

/** A hundred Nodes that join together are a few writes. No decision rests on a status, so none waits for it. */
export const STATUS_DELAY_MS = 500;

/**
 * Between passes over one MachineSet or MachineDeployment: each looks at all its Machines, whose events come in crowds. From a
 * hundred on it grows with the root of their number: so what each costs grows no faster than that.
 */
export const passPaceMs = ({ spec, status }: MachineSet | MachineDeployment): number =>
  10 * Math.sqrt(Math.max(100, spec.replicas ?? 0, status?.replicas ?? 0));

/** @param staleSinceMs since when the status has been out of date; undefined: from now. */
export const statusDueAt = (staleSinceMs: number | undefined, nowMs: number): number =>
  (staleSinceMs ?? nowMs) + STATUS_DELAY_MS;

/** Remembers since when statuses have been out of date. */
export type StatusPace = {
  staleSince(uid: string): number | undefined;
  /** Told after each look: true keeps the first moment, false ends it. */
  note(uid: string, isStale: boolean): void;
};

export function createStatusPace(clock: { now(): number }): StatusPace {
  const since = new Map<string, number>();
  return {
    staleSince: (uid) => since.get(uid),
    note(uid, isStale) {
      // A moment in the future is one from before the clock was set back.
      if (isStale) since.set(uid, Math.min(since.get(uid) ?? Infinity, clock.now()));
      else since.delete(uid);
    },
  };
}
