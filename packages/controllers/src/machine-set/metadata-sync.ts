/**
 * Puts labels, annotations and taints of a changed template on Machines that exist. What the template does not name stays
 * as it is, unless an earlier template gave it (`ANNOTATION_REMOVED_METADATA`) and nobody has changed it since.
 */
import {
  canonicalText,
  canonicalValue,
  type Machine,
  type MachineSet,
  type MachineTemplate,
  type Taint,
} from "@machine-controller/api";
import {
  ANNOTATION_EXTERNAL_CLOUD_PROVIDER,
  ANNOTATION_PREFIX_FEATURE_GATES,
  ANNOTATION_REMOVED_METADATA,
} from "@machine-controller/api/well-known";
import type { MergePatch } from "../machine/decision.ts";
import { mergePatchFrom } from "../merge-patch.ts";
import type { Snapshot } from "./snapshot.ts";

type Values = Record<string, string>;
type Metadata = {
  labels: Values;
  annotations: Values;
  nodeLabels: Values;
  nodeAnnotations: Values;
  taints: Taint[];
};

const NOTHING: Metadata = { labels: {}, annotations: {}, nodeLabels: {}, nodeAnnotations: {}, taints: [] };

/** The Machines that differ, each with the patch that ends it. */
export function metadataPatches({ machineSet, members, passedOver }: Snapshot): {
  machine: Machine;
  patch: MergePatch;
}[] {
  const wanted = metadataOf(machineSet.spec.template);
  const removed = removedFrom(machineSet);
  return members
    .filter(({ machine }) => !passedOver.has(machine.metadata.uid ?? ""))
    .flatMap(({ machine }) => {
      const has = metadataOf(machine);
      const patch = mergePatchFrom(fieldsOf(has), fieldsOf(merged(has, wanted, removed)));
      return patch === undefined ? [] : [{ machine, patch }];
    });
}

/** The MachineSet with labels, annotations and taints of another template, and a note of what went with its own. */
export function withTemplateMetadata(set: MachineSet, wanted: MachineTemplate): MachineSet {
  const { metadata, spec } = set;
  const [before, after] = [metadataOf(spec.template), metadataOf(wanted)];
  if (canonicalText(before) === canonicalText(after)) return set;
  const removed = without(merged(removedFrom(set), before, NOTHING), after);
  const { [ANNOTATION_REMOVED_METADATA]: _former, ...annotations } = metadata.annotations ?? {};
  const note = canonicalValue(removed) === undefined ? {} : { [ANNOTATION_REMOVED_METADATA]: JSON.stringify(removed) };
  const fields = fieldsOf(after);
  const { template } = spec;
  return {
    ...set,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...after.labels },
      annotations: { ...annotations, ...note },
    },
    spec: {
      ...spec,
      template: {
        ...template,
        metadata: { ...template.metadata, ...fields.metadata },
        spec: {
          ...template.spec,
          metadata: { ...template.spec.metadata, ...fields.spec.metadata },
          taints: after.taints,
        },
      },
    },
  };
}

const metadataOf = ({ metadata, spec }: MachineTemplate | Machine): Metadata => ({
  labels: metadata?.labels ?? {},
  annotations: metadata?.annotations ?? {},
  nodeLabels: spec.metadata?.labels ?? {},
  nodeAnnotations: spec.metadata?.annotations ?? {},
  taints: spec.taints ?? [],
});

/** Where Machines and their templates have it. */
const fieldsOf = ({ labels, annotations, nodeLabels, nodeAnnotations, taints }: Metadata) => ({
  metadata: { labels, annotations },
  spec: { metadata: { labels: nodeLabels, annotations: nodeAnnotations }, taints },
});

function merged(has: Metadata, wanted: Metadata, removed: Metadata): Metadata {
  const values = (kind: keyof Omit<Metadata, "taints">): Values => ({
    ...Object.fromEntries(Object.entries(has[kind]).filter(([key, value]) => removed[kind][key] !== value)),
    ...wanted[kind],
  });
  const stays = (taint: Taint): boolean =>
    !wanted.taints.some((other) => isSame(taint, other)) &&
    !removed.taints.some((other) => isSame(taint, other) && (taint.value ?? "") === (other.value ?? ""));
  const ofAdmission = Object.entries(has.annotations).filter(([key]) => isOfAdmission(key));
  return {
    labels: values("labels"),
    annotations: { ...values("annotations"), ...Object.fromEntries(ofAdmission) },
    nodeLabels: values("nodeLabels"),
    nodeAnnotations: values("nodeAnnotations"),
    taints: [...has.taints.filter(stays), ...wanted.taints],
  };
}

function without(metadata: Metadata, kept: Metadata): Metadata {
  const values = (kind: keyof Omit<Metadata, "taints">): Values =>
    Object.fromEntries(Object.entries(metadata[kind]).filter(([key]) => !(key in kept[kind])));
  return {
    labels: values("labels"),
    annotations: values("annotations"),
    nodeLabels: values("nodeLabels"),
    nodeAnnotations: values("nodeAnnotations"),
    taints: metadata.taints.filter((taint) => !kept.taints.some((other) => isSame(taint, other))),
  };
}

const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

/** Admission writes these on every new Machine, whatever the template says. */
const isOfAdmission = (annotation: string): boolean =>
  annotation === ANNOTATION_EXTERNAL_CLOUD_PROVIDER || annotation.startsWith(`${ANNOTATION_PREFIX_FEATURE_GATES}/`);

/** A note that somebody damaged removes nothing. */
function removedFrom({ metadata }: MachineSet): Metadata {
  try {
    const note = JSON.parse(metadata.annotations?.[ANNOTATION_REMOVED_METADATA] ?? "{}") as Partial<Metadata> | null;
    return { ...NOTHING, ...note };
  } catch {
    return NOTHING;
  }
}
