/** The Node of an orphan: its pods move before the instance goes, and it goes after it. */
import { ANNOTATION_SKIP_EVICTION } from "@machine-controller/api/well-known";
import { coreResources, isKubeError, type KubeClient, type Node } from "@machine-controller/kube-client";
import type { Informer } from "@machine-controller/kube-runtime";
import { type Blocker, drainNode } from "../machine/drain.ts";
import { isNodeReady } from "../machine/node-match.ts";

/** `nodes` must have the index `owner`. */
type Context = { client: KubeClient; nodes: Informer<Node>; signal: AbortSignal };

const nodesOf = (machineUid: string, { nodes }: Context): readonly Node[] => nodes.store.byIndex("owner", machineUid);

export const hasNode = (machineUid: string, context: Context): boolean => nodesOf(machineUid, context).length > 0;

/** Cordons the Node and evicts its pods, once. @returns those that are left; a kubelet that is silent ends none. */
export async function drainNodeOf(machineUid: string, context: Context): Promise<Blocker[]> {
  const { client, signal } = context;
  const node = nodesOf(machineUid, context).find(isNodeReady);
  if (node === undefined || node.metadata.annotations?.[ANNOTATION_SKIP_EVICTION] !== undefined) return [];
  const { name = "", uid } = node.metadata;
  const body = { metadata: { uid }, spec: { unschedulable: true } };
  if (!node.spec?.unschedulable) await client.patch(coreResources.nodes, { name }, { type: "merge", body }, { signal });
  return drainNode(client, node, { signal });
}

/** Of an instance that is confirmed gone; a Node that is Ready is some other instance's. @returns names of the deleted. */
export async function deleteNodesOf(machineUid: string, context: Context): Promise<string[]> {
  const dead = nodesOf(machineUid, context).filter((node) => !isNodeReady(node));
  for (const { metadata } of dead) {
    const { name = "", uid = "" } = metadata;
    const options = { preconditions: { uid }, signal: context.signal };
    await context.client.delete(coreResources.nodes, { name }, options).catch((error: unknown) => {
      if (!isKubeError(error, "NotFound") && !isKubeError(error, "Conflict")) throw error;
    });
  }
  return dead.map(({ metadata }) => metadata.name ?? "");
}
