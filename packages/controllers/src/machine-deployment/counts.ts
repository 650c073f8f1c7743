/** What a MachineDeployment's Machines add up to. */
import type { MachineDeployment } from "@machine-controller/api";
import { isAvailable } from "../machine-set/members.ts";
import type { SetView, Snapshot } from "./snapshot.ts";

export type Counts = Required<
  Pick<
    NonNullable<MachineDeployment["status"]>,
    "replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas" | "unavailableReplicas"
  >
>;

export function countsOf({ sets, newSet, nowMs }: Snapshot): Counts {
  const sum = (count: (view: SetView) => number): number => sets.reduce((total, view) => total + count(view), 0);
  const available = sum(({ members }) => members.filter((member) => isAvailable(member, nowMs)).length);
  return {
    replicas: sum(({ members }) => members.length),
    updatedReplicas: newSet?.members.length ?? 0,
    readyReplicas: sum(({ members }) => members.filter(({ isReady }) => isReady).length),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(({ size }) => size.replicas) - available),
  };
}

/** All Machines are of the current template, as many as wanted, and available. */
export function isComplete(snapshot: Snapshot): boolean {
  const { updatedReplicas, replicas, availableReplicas } = countsOf(snapshot);
  return [updatedReplicas, replicas, availableReplicas].every((count) => count === snapshot.limits.replicas);
}
