import type { Machine, MachineSet } from "@machine-controller/api";
import { ANNOTATION_REVISION } from "@machine-controller/api/well-known";
import type { Claims } from "../ownership.ts";
import type { Membership } from "./members.ts";

/** Everything that a decision about a MachineSet may rest on, read at one moment. */
export type Snapshot = Membership & {
  readonly nowMs: number;
  readonly machineSet: MachineSet;
  readonly claims: Claims<Machine>;
  /** Names of Machines created so long ago that the informer should show them. */
  readonly overdue: readonly string[];
  /** How many Machines may be created, or deleted, at once. */
  readonly batch: number;
  /** False where a newer MachineSet of its MachineDeployment replaces what is missing. */
  readonly replacesMissing: boolean;
  /** Machines that changed while this pass was under way; their events start the next one. */
  readonly passedOver: ReadonlySet<string>;
  /** What this pass could not do. */
  readonly failure: { readonly reason: "FailedCreate" | "FailedDelete"; readonly message: string } | undefined;
  /** Since when the status has been out of date. */
  readonly staleSinceMs: number | undefined;
  /** Labels, annotations and taints of the template are put on Machines that exist. */
  readonly updatesMetadataInPlace: boolean;
};

export const replicasOf = ({ spec }: MachineSet): number => spec.replicas ?? 1;
export const revisionOf = ({ metadata }: { metadata: MachineSet["metadata"] }): number =>
  Number(metadata.annotations?.[ANNOTATION_REVISION]) || 0;
