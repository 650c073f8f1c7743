/** What a Node is told of its Machine: owner, annotations, labels, taints, provider ID. One patch, or none. */
import {
  providerIdOf,
  ANNOTATION_NODE_MACHINE,
  LABEL_NODE_OWNER,
  LABEL_OPERATING_SYSTEM,
} from "@machine-controller/api/well-known";
import type { Node, Taint } from "@machine-controller/kube-client";
import type { MergePatch } from "./decision.ts";
import { setsProviderId, type Snapshot } from "./snapshot.ts";

/** Values that the Node has stay as they are; only owner label and machine annotation are ours to correct. */
export function nodePatch(snapshot: Snapshot, node: Node): MergePatch | undefined {
  const { machine, provider } = snapshot;
  const uid = machine.metadata.uid ?? "";
  const { labels = {}, annotations = {} } = machine.spec.metadata ?? {};
  const operatingSystem = machine.spec.providerSpec.value?.["operatingSystem"];

  const newLabels = {
    ...absentFrom(node.metadata.labels, {
      ...(typeof operatingSystem === "string" && { [LABEL_OPERATING_SYSTEM]: operatingSystem }),
      ...labels,
    }),
    ...differingFrom(node.metadata.labels, { [LABEL_NODE_OWNER]: uid }),
  };
  const newAnnotations = {
    ...absentFrom(node.metadata.annotations, annotations),
    ...differingFrom(node.metadata.annotations, {
      [ANNOTATION_NODE_MACHINE]: `${machine.metadata.namespace}/${machine.metadata.name}`,
    }),
  };
  const has = node.spec?.taints ?? [];
  const newTaints = (machine.spec.taints ?? []).filter(
    ({ key, effect }) => !has.some((taint) => taint.key === key && taint.effect === effect),
  ) as Taint[];
  const providerId = setsProviderId(snapshot) && !node.spec?.providerID ? providerIdOf(provider.name, uid) : undefined;

  const metadata = {
    ...(Object.keys(newLabels).length > 0 && { labels: newLabels }),
    ...(Object.keys(newAnnotations).length > 0 && { annotations: newAnnotations }),
  };
  const spec = {
    ...(newTaints.length > 0 && { taints: [...has, ...newTaints] }),
    ...(providerId !== undefined && { providerID: providerId }),
  };
  if (Object.keys(metadata).length === 0 && Object.keys(spec).length === 0) return undefined;
  return { metadata, ...(Object.keys(spec).length > 0 && { spec }) };
}

type Labels = Readonly<Record<string, string>>;

const absentFrom = (has: Labels = {}, wanted: Labels): Labels =>
  Object.fromEntries(Object.entries(wanted).filter(([key]) => !(key in has)));

const differingFrom = (has: Labels = {}, wanted: Labels): Labels =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => has[key] !== value));
