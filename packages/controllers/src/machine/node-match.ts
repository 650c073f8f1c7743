/** Which Node belongs to a Machine. Every look-up goes through an index. */
import { instanceNameOf, type Machine, type NodeAddress } from "@machine-controller/api";
import { LABEL_NODE_OWNER, providerIdOf } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import type { Store } from "@machine-controller/kube-runtime";

export const NODE_INDEXES = {
  providerId: (node: Node) => (node.spec?.providerID ? [node.spec.providerID.toLowerCase()] : []),
  owner: (node: Node) => {
    const owner = node.metadata.labels?.[LABEL_NODE_OWNER];
    return owner ? [owner] : [];
  },
  schedulable: (node: Node) => (node.spec?.unschedulable ? [] : ["true"]),
  address: (node: Node) => (node.status?.addresses ?? []).map(({ address }) => address),
};

export const isNodeReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

type MatchInput = {
  machine: Machine;
  provider: string;
  /** What a cloud-controller-manager calls the instance, if known. */
  instanceProviderId: string | undefined;
  addresses: readonly NodeAddress[];
};

/**
 * The Node of the Machine: the one that carries our owner label, else the one with its provider ID, else the one with
 * its name or created after it that has one of its addresses. An address alone can have been another instance's before,
 * so a Node of a Machine that still exists, or one that is older than this Machine, is never taken.
 */
export function matchNode(
  nodes: Store<Node>,
  input: MatchInput,
  machineExists: (uid: string) => boolean,
): Node | undefined {
  const { machine, provider } = input;
  const uid = machine.metadata.uid ?? "";
  const free = (node: Node): boolean => {
    const owner = node.metadata.labels?.[LABEL_NODE_OWNER];
    return owner === undefined || owner === uid || !machineExists(owner);
  };
  const referenced = machine.status?.nodeRef?.name ? nodes.get(undefined, machine.status.nodeRef.name) : undefined;
  if (referenced?.metadata.labels?.[LABEL_NODE_OWNER] === uid) return referenced;
  const [owned] = nodes.byIndex("owner", uid);
  if (owned !== undefined) return owned;

  const ids = [input.instanceProviderId, machine.spec.providerID, providerIdOf(provider, uid)];
  for (const id of ids) {
    const node = id && nodes.byIndex("providerId", id.toLowerCase()).find(free);
    if (node) return node;
  }
  const name = instanceNameOf(machine);
  for (const { address } of input.addresses) {
    const node = nodes
      .byIndex("address", address)
      .find(
        (candidate) =>
          free(candidate) && (candidate.metadata.name === name || mayHaveJoinedFor(candidate, machine, provider)),
      );
    if (node !== undefined) return node;
  }
  return undefined;
}

/**
 * Hetzner gives a freed address to the next server at once: there the name must match too. A provider ID that is not the
 * Machine's is another instance's.
 */
const mayHaveJoinedFor = (node: Node, machine: Machine, provider: string): boolean =>
  provider !== "hetzner" &&
  !node.spec?.providerID &&
  Date.parse(node.metadata.creationTimestamp ?? "") >= Date.parse(machine.metadata.creationTimestamp ?? "");

/**
 * Nodes that go with the Machine: the one it refers to (by UID too), all that carry its owner label, and those that
 * joined under its own provider ID and were not labelled yet.
 */
export function nodesOwnedBy(nodes: Store<Node>, machine: Machine, provider: string): Node[] {
  const { nodeRef } = machine.status ?? {};
  const referenced = nodeRef?.name ? nodes.get(undefined, nodeRef.name) : undefined;
  const uid = machine.metadata.uid ?? "";
  const owner = referenced?.metadata.labels?.[LABEL_NODE_OWNER];
  const isOurs = referenced && (nodeRef?.uid === referenced.metadata.uid || owner === uid) && (owner ?? uid) === uid;
  const unlabelled = nodes
    .byIndex("providerId", providerIdOf(provider, uid).toLowerCase())
    .filter(({ metadata }) => metadata.labels?.[LABEL_NODE_OWNER] === undefined);
  return [...new Set([...(isOurs ? [referenced] : []), ...nodes.byIndex("owner", uid), ...unlabelled])];
}
