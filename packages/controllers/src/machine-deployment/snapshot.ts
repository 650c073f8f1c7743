import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import { ANNOTATION_MAX_REPLICAS } from "@machine-controller/api/well-known";
import { isAvailable, type Membership } from "../machine-set/members.ts";
import { replicasOf } from "../machine-set/snapshot.ts";
import type { Claims } from "../ownership.ts";
import type { Limits, SetSize } from "./rollout.ts";

/** A MachineSet with its Machines as they are, whatever its status says by now. */
export type SetView = Membership & { readonly set: MachineSet; readonly size: SetSize };

/** Everything that a decision about a MachineDeployment may rest on, read at one moment. */
export type Snapshot = {
  readonly nowMs: number;
  readonly deployment: MachineDeployment;
  readonly limits: Limits;
  readonly claims: Claims<MachineSet>;
  /** Oldest first. */
  readonly sets: readonly SetView[];
  /** A MachineSet created that the informer does not show; after `leftMs` (≤ 0: now) it should, or is gone again. */
  readonly awaitedSet: { readonly set: MachineSet; readonly leftMs: number } | undefined;
  /** Of the current template; undefined where none is. */
  readonly newSet: SetView | undefined;
  /** Of other templates, oldest first. */
  readonly oldSets: readonly SetView[];
  /** Machines of MachineSets that are being deleted, whatever their template. */
  readonly orphanedMachines: number;
  readonly passedOver: ReadonlySet<string>;
  /** Why this pass could not create a MachineSet. */
  readonly failure: string | undefined;
  readonly staleSinceMs: number | undefined;
  readonly updatesMetadataInPlace: boolean;
};

export function sizeOf(set: MachineSet, { members, unseen }: Membership, nowMs: number): SetSize {
  return {
    uid: set.metadata.uid ?? "",
    replicas: replicasOf(set),
    existing: members.length + unseen,
    available: members.filter((member) => isAvailable(member, nowMs) && !member.isDoomed).length,
    doomed: members.filter(({ isDoomed }) => isDoomed).length,
    formerMax: Number(set.metadata.annotations?.[ANNOTATION_MAX_REPLICAS]) || undefined,
  };
}

export const isPaused = ({ deployment }: Snapshot): boolean => deployment.spec.paused ?? false;
