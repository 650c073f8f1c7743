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
 * The Node of the Machine: the one it refers to, by UID, that carries our owner label; else one that the label, or nobody's,
 * and a witness that the label's writer has no hand in speak for: the provider ID of the instance, its name, or one of its
 * addresses on a Node that is younger than the Machine. A kubelet can write the label of any Machine to its own Node, and
 * an address alone can have been another instance's before; a Node of a Machine that still exists is never taken.
 */
export function matchNode(
  nodes: Store<Node>,
  input: MatchInput,
  machineExists: (uid: string) => boolean,
): Node | undefined {
  const { machine, provider } = input;
  const { nodeRef } = machine.status ?? {};
  const uid = machine.metadata.uid ?? "";
  const ownerOf = ({ metadata }: Node): string | undefined => metadata.labels?.[LABEL_NODE_OWNER];
  const free = (node: Node): boolean => {
    const owner = ownerOf(node);
    return owner === undefined || owner === uid || !machineExists(owner);
  };
  const referenced = nodeRef?.name ? nodes.get(undefined, nodeRef.name) : undefined;
  if (referenced && ownerOf(referenced) === uid && nodeRef?.uid === referenced.metadata.uid) return referenced;

  const ids = [input.instanceProviderId, machine.spec.providerID, providerIdOf(provider, uid)].flatMap((id) =>
    id ? [id.toLowerCase()] : [],
  );
  const byId = ids.flatMap((id) => nodes.byIndex("providerId", id));
  const name = instanceNameOf(machine);
  const byAddress = input.addresses
    .flatMap(({ address }) => nodes.byIndex("address", address))
    .filter((node) => node.metadata.name === name || mayHaveJoinedFor(node, machine, provider));
  const named = nodes.byIndex("owner", uid).filter((node) => node.metadata.name === name);
  const witnessed = [...named, ...byId, ...byAddress].filter(free);
  return witnessed.find((node) => ownerOf(node) === uid) ?? witnessed[0];
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
