/** One round of moving a Node's pods away through the eviction API, which honours PodDisruptionBudgets. */
import { coreResources, isKubeError, type KubeClient, type Node, type Pod } from "@machine-controller/kube-client";

const EVICTIONS_AT_ONCE = 20;
const MIRROR_POD = "kubernetes.io/config.mirror";

/**
 * Asks once for the eviction of every pod that has to move.
 * @returns the pods still there, as `namespace/name`; those that a budget or the API server held back are among them.
 */
export async function drainNode(
  client: KubeClient,
  node: Node,
  { signal }: { signal: AbortSignal },
): Promise<string[]> {
  const { items } = await client.listAll(coreResources.pods, {
    fieldSelector: `spec.nodeName=${node.metadata.name}`,
    signal,
  });
  const pods = items.filter(mustMove);
  for (let at = 0; at < pods.length; at += EVICTIONS_AT_ONCE) {
    await Promise.all(pods.slice(at, at + EVICTIONS_AT_ONCE).map((pod) => evict(client, pod, signal)));
  }
  return pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

function mustMove({ metadata, status }: Pod): boolean {
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  if (metadata.annotations?.[MIRROR_POD] !== undefined) return false;
  return !metadata.ownerReferences?.some(({ controller, kind }) => controller && kind === "DaemonSet");
}

async function evict(client: KubeClient, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  if (metadata.deletionTimestamp !== undefined) return;
  const ref = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: ref };
  try {
    await client.createSubresource(coreResources.pods, ref, "eviction", eviction, { signal });
  } catch (error) {
    // 429 is a budget's answer; the next round asks again.
    if (!isKubeError(error, "NotFound") && !isKubeError(error, "TooManyRequests")) throw error;
  }
}
