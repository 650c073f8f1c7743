/** Which of a MachineDeployment's MachineSets is of its current template. */
import {
  canonicalTemplate,
  type MachineDeployment,
  type MachineSet,
  type MachineTemplate,
  replacedPart,
} from "@machine-controller/api";
import { LABEL_TEMPLATE_HASH } from "@machine-controller/api/well-known";
import type { Informer } from "@machine-controller/kube-runtime";
import { revisionOf } from "../machine-set/snapshot.ts";
import { controllerOf } from "../ownership.ts";
import { selects } from "../selector.ts";

export const oldestFirst = (sets: readonly MachineSet[]): MachineSet[] =>
  sets.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
const sortKey = ({ metadata }: MachineSet): string => `${metadata.creationTimestamp} ${metadata.name}`;

export type TemplateComparison = {
  /** Templates that differ in labels, annotations and taints alone are the same one. */
  updatesMetadataInPlace: boolean;
};

/**
 * The MachineSet of the current template, and the others, each oldest first. Templates are compared by meaning: the
 * oldest MachineSet of an equal one is current; where metadata makes no difference, the one of the highest revision.
 */
export function splitSets(
  { spec }: MachineDeployment,
  sets: readonly MachineSet[],
  { updatesMetadataInPlace }: TemplateComparison,
): { newSet: MachineSet | undefined; oldSets: MachineSet[] } {
  const ordered = oldestFirst(sets);
  const meaning = (template: MachineTemplate): string =>
    canonicalTemplate(updatesMetadataInPlace ? replacedPart(template) : template);
  const wanted = meaning(spec.template);
  const equal = ordered.filter((set) => meaning(set.spec.template) === wanted);
  const newSet = updatesMetadataInPlace
    ? equal
        .filter((set) => selects(set.spec.selector, inPlaceTemplate(set, spec.template).metadata?.labels))
        .toSorted((a, b) => revisionOf(b) - revisionOf(a))[0]
    : equal[0];
  return { newSet, oldSets: ordered.filter((set) => set !== newSet) };
}

/** The template as the MachineSet would have it: with the label that its selector asks for. */
export function inPlaceTemplate({ metadata }: MachineSet, template: MachineTemplate): MachineTemplate {
  const hash = metadata.labels?.[LABEL_TEMPLATE_HASH];
  const labels = { ...template.metadata?.labels, ...(hash !== undefined && { [LABEL_TEMPLATE_HASH]: hash }) };
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** True where a Machine that is deleted comes back in a newer MachineSet: strategy OnDelete, and an outdated template. */
export function isReplacedOnDeletion(
  machineSet: MachineSet,
  informers: { machineDeployments: Informer<MachineDeployment>; machineSets: Informer<MachineSet> },
  comparison: TemplateComparison,
): boolean {
  const owner = informers.machineDeployments.store.byUid(controllerOf(machineSet)?.uid ?? "");
  if (owner?.spec.strategy?.type !== "OnDelete" || owner.spec.paused) return false;
  const { uid = "" } = owner.metadata;
  const sets = informers.machineSets.store
    .byIndex("controller", uid)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return splitSets(owner, sets, comparison).newSet?.metadata.uid !== machineSet.metadata.uid;
}
