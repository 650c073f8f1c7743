/**
 * What a Node is told of its Machine: owner, provider ID, and `spec.metadata` and `spec.taints` with every later change
 * of them, removal included. One patch, or none.
 */
import type { Machine } from "@machine-controller/api";
import {
  providerIdOf,
  ANNOTATION_NODE_MACHINE,
  ANNOTATION_SYNCED_TO_NODE,
  LABEL_NODE_OWNER,
  LABEL_OPERATING_SYSTEM,
} from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { type Changes, type Comparison, parseSynced, syncedText, syncValues, type Values } from "../synced-values.ts";
import type { MergePatch } from "./decision.ts";
import type { NodePart, NodeRefusal } from "./knowledge.ts";
import { setsProviderId, type Snapshot } from "./snapshot.ts";

/** undefined: the Node has all of it, or all that it is allowed to have. */
export function nodePatch(snapshot: Snapshot, node: Node, refusal?: NodeRefusal): MergePatch | undefined {
  if (refusal?.parts === "all") return undefined;
  const { machine, provider } = snapshot;
  const uid = machine.metadata.uid ?? "";
  const { labels, annotations, taints } = compare(machine, node, refusal);
  const operatingSystem = machine.spec.providerSpec.value?.["operatingSystem"];
  const labelChanges = {
    ...(typeof operatingSystem === "string" &&
      !(LABEL_OPERATING_SYSTEM in (node.metadata.labels ?? {})) && { [LABEL_OPERATING_SYSTEM]: operatingSystem }),
    ...labels.changes,
    ...differingFrom(node.metadata.labels, { [LABEL_NODE_OWNER]: uid }),
  };
  const annotationChanges = {
    ...annotations.changes,
    ...differingFrom(node.metadata.annotations, {
      [ANNOTATION_NODE_MACHINE]: `${machine.metadata.namespace}/${machine.metadata.name}`,
    }),
  };
  const metadata = {
    ...(isFilled(labelChanges) && { labels: labelChanges }),
    ...(isFilled(annotationChanges) && { annotations: annotationChanges }),
  };
  const spec = {
    ...(isFilled(taints.changes) && { taints: changedTaints(node, machine, taints.changes) }),
    ...(setsProviderId(snapshot) && !node.spec?.providerID && { providerID: providerIdOf(provider.name, uid) }),
  };
  if (!isFilled(metadata) && !isFilled(spec)) return undefined;
  return { metadata, ...(isFilled(spec) && { spec }) };
}

/** What the Machine has to remember of a Node that `nodePatch` has nothing to tell; undefined: it does. */
export function syncedPatch(
  machine: Machine,
  node: Node,
  refusal?: NodeRefusal,
): { annotations: Record<string, string | null> } | undefined {
  const { labels, annotations, taints } = compare(machine, node, refusal);
  const text = syncedText({ labels: labels.synced, annotations: annotations.synced, taints: taints.synced });
  if (text === (machine.metadata.annotations?.[ANNOTATION_SYNCED_TO_NODE] ?? null)) return undefined;
  return { annotations: { [ANNOTATION_SYNCED_TO_NODE]: text } };
}

/** A taint's key is `<key>:<effect>`. Of what is refused nothing changes, and what was given before is still remembered. */
function compare(machine: Machine, node: Node, refusal?: NodeRefusal): Record<NodePart, Comparison> {
  const { metadata: { labels, annotations } = {}, taints } = machine.spec;
  const synced = parseSynced(machine.metadata.annotations?.[ANNOTATION_SYNCED_TO_NODE]);
  const part = (name: NodePart, has: Values | undefined, wanted: Values): Comparison =>
    refusal !== undefined && (refusal.parts === "all" || refusal.parts.includes(name))
      ? { changes: {}, synced: synced[name] ?? {} }
      : syncValues(has, wanted, synced[name]);
  return {
    labels: part("labels", node.metadata.labels, without(labels, LABEL_NODE_OWNER)),
    annotations: part("annotations", node.metadata.annotations, without(annotations, ANNOTATION_NODE_MACHINE)),
    taints: part("taints", taintValues(node.spec?.taints), taintValues(taints)),
  };
}

type AnyTaint = { key: string; value?: string; effect: string };

const taintId = ({ key, effect }: AnyTaint): string => `${key}:${effect}`;

const taintValues = (taints: readonly AnyTaint[] = []): Values =>
  Object.fromEntries(taints.map((taint) => [taintId(taint), taint.value ?? ""]));

function changedTaints(node: Node, { spec }: Machine, changes: Changes): AnyTaint[] {
  const kept = (node.spec?.taints ?? []).filter((taint) => !(taintId(taint) in changes));
  // The API server takes one taint of a key and effect.
  const given = new Map(spec.taints?.map((taint) => [taintId(taint), taint]));
  return [...kept, ...[...given].filter(([id]) => typeof changes[id] === "string").map(([, taint]) => taint)];
}

const differingFrom = (has: Values = {}, wanted: Changes): Changes =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (has[key] ?? null) !== value));

const without = (values: Values = {}, key: string): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== key));

const isFilled = (object: object): boolean => Object.keys(object).length > 0;
