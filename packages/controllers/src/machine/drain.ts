/** One round of moving a Node's pods away through the eviction API, which honours PodDisruptionBudgets. */
import { coreResources, isKubeError, type KubeClient, type Node, type Pod } from "@machine-controller/kube-client";

/** A pod that is still on the Node, and why. */
export type Blocker = { readonly pod: string; readonly why: string };

const EVICTIONS_AT_ONCE = 20;
const MIRROR_POD = "kubernetes.io/config.mirror";
export const EVICTED = "is being evicted";
export const TERMINATING = "is terminating";

/**
 * Asks once for the eviction of every pod that has to move.
 * @returns those still there, the ones that a budget or the API server holds back first.
 */
export async function drainNode(
  client: KubeClient,
  node: Node,
  { signal }: { signal: AbortSignal },
): Promise<Blocker[]> {
  const { items } = await client.listAll(coreResources.pods, {
    fieldSelector: `spec.nodeName=${node.metadata.name}`,
    signal,
  });
  const pods = items.filter(mustMove);
  const blockers: Blocker[] = [];
  for (let at = 0; at < pods.length; at += EVICTIONS_AT_ONCE) {
    const round = pods.slice(at, at + EVICTIONS_AT_ONCE).map(async (pod) => ({
      pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
      why: await evict(client, pod, signal),
    }));
    blockers.push(...(await Promise.all(round)));
  }
  return blockers.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.pod < b.pod ? -1 : 1));
}

export const isHeldBack = ({ why }: Blocker): boolean => why !== EVICTED && why !== TERMINATING;

const rankOf = (blocker: Blocker): number => (isHeldBack(blocker) ? 0 : 1);

function mustMove({ metadata, status }: Pod): boolean {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  if (metadata.annotations?.[MIRROR_POD] !== undefined) return false;
  return !metadata.ownerReferences?.some(({ controller, kind }) => controller && kind === "DaemonSet");
}

/** @returns why the pod is still there, in the words of the API server where it refused. */
async function evict(client: KubeClient, { metadata }: Pod, signal: AbortSignal): Promise<string> {
  if (metadata.deletionTimestamp !== undefined) return TERMINATING;
  const ref = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: ref };
  try {
    await client.createSubresource(coreResources.pods, ref, "eviction", eviction, { signal });
  } catch (error) {
    // One pod that cannot be evicted keeps no other from it; only an API server that is not there ends the round.
    if (signal.aborted || !isKubeError(error) || error.code === "Unreachable") throw error;
    if (error.code !== "NotFound") return budgetOf(error) ?? error.message;
  }
  return EVICTED;
}

/** What the budget says that holds the pod back: its name, and what it needs. */
const budgetOf = ({ details }: { details: { causes?: { reason?: string; message?: string }[] } | undefined }) =>
  details?.causes?.find(({ reason }) => reason === "DisruptionBudget")?.message;
