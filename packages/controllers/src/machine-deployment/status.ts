import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import { replicasOf, sum } from "./rollout.ts";

type Status = Required<Omit<NonNullable<MachineDeployment["status"]>, "conditions">>;

export function machineDeploymentStatus(
  { metadata }: MachineDeployment,
  newSet: MachineSet | undefined,
  sets: readonly MachineSet[],
): Status {
  const available = sum(sets, ({ status }) => status?.availableReplicas ?? 0);
  return {
    observedGeneration: metadata.generation ?? 0,
    replicas: sum(sets, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - available),
  };
}

export const isComplete = (status: Status, replicas: number): boolean =>
  status.updatedReplicas === replicas && status.replicas === replicas && status.availableReplicas === replicas;

/** MachineSets of old revisions that may go: empty, seen by their controller, and more than the history keeps. */
export function surplusHistory({ spec }: MachineDeployment, oldSets: readonly MachineSet[]): MachineSet[] {
  const old = oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = Math.max(0, old.length - (spec.revisionHistoryLimit ?? 1));
  return old
    .slice(0, surplus)
    .filter(
      (set) =>
        replicasOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
    );
}
