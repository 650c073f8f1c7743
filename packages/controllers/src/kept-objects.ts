/** What the caches keep of objects: of a fleet of ten thousand, what nobody here reads would be most of the memory. */
import type { KubeObject, Node } from "@machine-controller/kube-client";

export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Of its status: addresses, whether it is Ready, and what runs on it. */
export function keptOfNode(node: Node): Node {
  const { addresses = [], conditions = [], nodeInfo } = node.status ?? {};
  const isReady = conditions.filter(({ type }) => type === "Ready");
  return { ...withoutManagedFields(node), status: { addresses, conditions: isReady, ...(nodeInfo && { nodeInfo }) } };
}
