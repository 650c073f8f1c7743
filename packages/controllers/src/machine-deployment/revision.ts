/** Which revision a MachineSet is of, and the annotations that say so. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_COPIED,
  ANNOTATION_DESIRED_REPLICAS,
  ANNOTATION_LAST_APPLIED,
  ANNOTATION_MAX_REPLICAS,
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  ANNOTATION_ROLLBACK_TO,
} from "@machine-controller/api/well-known";
import { revisionOf } from "../machine-set/snapshot.ts";
import type { Limits } from "./rollout.ts";

const NOT_COPIED: ReadonlySet<string> = new Set([
  ANNOTATION_LAST_APPLIED,
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  ANNOTATION_DESIRED_REPLICAS,
  ANNOTATION_MAX_REPLICAS,
  ANNOTATION_ROLLBACK_TO,
]);
const LONGEST_HISTORY = 20;

export const nextRevision = (oldSets: readonly MachineSet[]): number => Math.max(0, ...oldSets.map(revisionOf)) + 1;

/** Revisions that a MachineSet had before its present one, oldest first. */
export const historyOf = ({ metadata }: MachineSet): string[] =>
  metadata.annotations?.[ANNOTATION_REVISION_HISTORY]?.split(",").filter(Boolean) ?? [];

/** The annotations that the current MachineSet should have. One that the deployment has lost goes, if it came from there. */
export function currentAnnotations(
  { metadata }: MachineDeployment,
  newSet: MachineSet,
  oldSets: readonly MachineSet[],
): Record<string, string> {
  const { [ANNOTATION_COPIED]: formerKeys, ...annotations } = newSet.metadata.annotations ?? {};
  for (const key of formerKeys?.split(",") ?? []) delete annotations[key];
  const revision = nextRevision(oldSets);
  const former = annotations[ANNOTATION_REVISION];
  const isOutdated = revisionOf(newSet) < revision;
  const history = [...historyOf(newSet), ...(former ? [former] : [])].slice(-LONGEST_HISTORY);
  return {
    ...annotations,
    ...copiedAnnotations(metadata),
    ...(isOutdated && { [ANNOTATION_REVISION]: String(revision) }),
    ...(isOutdated && history.length > 0 && { [ANNOTATION_REVISION_HISTORY]: history.join(",") }),
  };
}

/** The deployment's annotations that its MachineSets carry too, and the note of which they are. */
export function copiedAnnotations({ annotations = {} }: MachineDeployment["metadata"]): Record<string, string> {
  const copied = Object.entries(annotations).filter(([key]) => !NOT_COPIED.has(key));
  if (copied.length === 0) return {};
  const keys = copied.map(([key]) => key).sort();
  return { ...Object.fromEntries(copied), [ANNOTATION_COPIED]: keys.join(",") };
}

export const replicaAnnotations = ({ replicas, maxSurge }: Limits): Record<string, string> => ({
  [ANNOTATION_DESIRED_REPLICAS]: String(replicas),
  [ANNOTATION_MAX_REPLICAS]: String(replicas + maxSurge),
});
