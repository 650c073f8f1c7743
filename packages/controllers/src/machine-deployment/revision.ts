/** Revisions: which MachineSet is of the current template, and the annotations that say so. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_DESIRED_REPLICAS,
  ANNOTATION_LAST_APPLIED,
  ANNOTATION_MAX_REPLICAS,
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  API_VERSION,
  FINALIZER_FOREGROUND,
  LABEL_TEMPLATE_HASH,
} from "@machine-controller/api/well-known";
import { toSuffix } from "../names.ts";
import { controllerReference } from "../ownership.ts";
import type { Limits } from "./rollout.ts";
import { canonicalTemplate, templateHash } from "./template.ts";

const NOT_COPIED: ReadonlySet<string> = new Set([
  ANNOTATION_LAST_APPLIED,
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  ANNOTATION_DESIRED_REPLICAS,
  ANNOTATION_MAX_REPLICAS,
]);
const LONGEST_HISTORY = 20;

export const oldestFirst = (sets: readonly MachineSet[]): MachineSet[] =>
  sets.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
const sortKey = ({ metadata }: MachineSet): string => `${metadata.creationTimestamp} ${metadata.name}`;

/** The MachineSet made from the current template, and the others, each oldest first. */
export function splitSets(
  { spec }: MachineDeployment,
  sets: readonly MachineSet[],
): { newSet: MachineSet | undefined; oldSets: MachineSet[] } {
  const wanted = canonicalTemplate(spec.template);
  const ordered = oldestFirst(sets);
  const newSet = ordered.find((set) => canonicalTemplate(set.spec.template) === wanted);
  return { newSet, oldSets: ordered.filter((set) => set !== newSet) };
}

export const revisionOf = ({ metadata }: MachineSet | MachineDeployment): number =>
  Number(metadata.annotations?.[ANNOTATION_REVISION]) || 0;

export const nextRevision = (oldSets: readonly MachineSet[]): number => Math.max(0, ...oldSets.map(revisionOf)) + 1;

/** Annotations that the current MachineSet should have and lacks; undefined when none. */
export function revisionAnnotations(
  { metadata }: MachineDeployment,
  newSet: MachineSet,
  oldSets: readonly MachineSet[],
): Record<string, string> | undefined {
  const has = newSet.metadata.annotations ?? {};
  const missing = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key, value]) => !NOT_COPIED.has(key) && has[key] !== value),
  );
  const revision = nextRevision(oldSets);
  if (revisionOf(newSet) < revision) {
    const former = has[ANNOTATION_REVISION];
    missing[ANNOTATION_REVISION] = String(revision);
    if (former !== undefined) {
      const history = [...(has[ANNOTATION_REVISION_HISTORY]?.split(",") ?? []), former];
      missing[ANNOTATION_REVISION_HISTORY] = history.slice(-LONGEST_HISTORY).join(",");
    }
  }
  return Object.keys(missing).length === 0 ? undefined : missing;
}

export const replicaAnnotations = ({ replicas, maxSurge }: Limits): Record<string, string> => ({
  [ANNOTATION_DESIRED_REPLICAS]: String(replicas),
  [ANNOTATION_MAX_REPLICAS]: String(replicas + maxSurge),
});

/** @param collisions how many other MachineSets have taken the names before this one. */
export function machineSetFrom(
  deployment: MachineDeployment,
  options: { limits: Limits; replicas: number; revision: number; collisions: number },
): MachineSet {
  const { metadata, spec } = deployment;
  const hash = `${templateHash(spec.template)}${options.collisions || ""}`;
  const labels = { ...spec.template.metadata?.labels, [LABEL_TEMPLATE_HASH]: hash };
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  return {
    apiVersion: API_VERSION,
    kind: "MachineSet",
    metadata: {
      name: `${metadata.name}-${toSuffix(hash)}`,
      namespace: metadata.namespace ?? "",
      labels,
      annotations: {
        ...Object.fromEntries(copied),
        [ANNOTATION_REVISION]: String(options.revision),
        ...replicaAnnotations(options.limits),
      },
      finalizers: [FINALIZER_FOREGROUND],
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: options.replicas,
      minReadySeconds: spec.minReadySeconds ?? 0,
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [LABEL_TEMPLATE_HASH]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
