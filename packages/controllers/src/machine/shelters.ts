/** Where the pods of a Node could go, kept up to date: a fleet that goes asks for each of its Nodes, many times. */
import type { Machine } from "@machine-controller/api";
import { LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import type { Informer } from "@machine-controller/kube-runtime";
import { isNodeReady } from "./node-match.ts";

export type Shelters = {
  /**
   * Some Machine has no Node yet, or another Node takes pods: with nowhere to go, eviction would only wait for its timeout.
   * A Node takes them if it is Ready, stays, and has no taint that those here need not tolerate.
   */
  existFor(node: Node): boolean;
};

/** The informer of Machines must have the index `awaitsNode`, that of Nodes `owner`. */
export function createShelters({ machines, nodes }: { machines: Informer<Machine>; nodes: Informer<Node> }): Shelters {
  /** Names of the Nodes that take pods, by their taints. */
  const byTaints = new Map<string, Set<string>>();
  const taintsOf = new Map<string, string>();

  function place(node: Node): void {
    const { name = "", labels } = node.metadata;
    const owner = machines.store.byUid(labels?.[LABEL_NODE_OWNER] ?? "");
    const takesPods = !node.spec?.unschedulable && isNodeReady(node) && (owner === undefined || stays(owner));
    const taints = takesPods ? JSON.stringify(repelling(node)) : undefined;
    if (taints === taintsOf.get(name)) return;
    remove(name);
    if (taints === undefined) return;
    taintsOf.set(name, taints);
    byTaints.set(taints, (byTaints.get(taints) ?? new Set()).add(name));
  }

  function remove(name: string): void {
    const taints = taintsOf.get(name) ?? "";
    const alike = byTaints.get(taints);
    taintsOf.delete(name);
    alike?.delete(name);
    if (alike?.size === 0) byTaints.delete(taints);
  }

  nodes.onChange(({ type, object }) => {
    if (type === "deleted") remove(object.metadata.name ?? "");
    else place(object);
  });
  machines.onChange((change) => {
    if (change.type === "updated" && stays(change.old) === stays(change.object)) return;
    for (const node of nodes.store.byIndex("owner", change.object.metadata.uid ?? "")) place(node);
  });

  return {
    existFor(node) {
      if (machines.store.byIndex("awaitsNode", "true").length > 0) return true;
      const tolerated = new Set(node.spec?.taints?.map(taintId));
      for (const [taints, names] of byTaints) {
        const isOther = names.size > 1 || !names.has(node.metadata.name ?? "");
        if (isOther && (JSON.parse(taints) as string[]).every((taint) => tolerated.has(taint))) return true;
      }
      return false;
    },
  };
}

export const stays = ({ metadata }: Machine): boolean => metadata.deletionTimestamp === undefined;

type Taint = { key: string; effect: string };
const taintId = ({ key, effect }: Taint): string => `${key}:${effect}`;

/** Taints that keep pods away which do not tolerate them. */
const repelling = ({ spec }: Node): string[] =>
  (spec?.taints ?? [])
    .filter(({ effect }) => effect !== "PreferNoSchedule")
    .map(taintId)
    .toSorted();
