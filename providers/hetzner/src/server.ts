/** A server as the API shows it, and the `Instance` made of it. */
import type { Instance, InstanceStatus, NodeAddress } from "@machine-controller/provider";

/** Label of a server: the UID of its Machine. The Go implementation uses the same. */
export const LABEL_UID = "machine-uid";
/** Label of a server: the UID of the cluster whose controller made it. */
export const LABEL_CLUSTER = "machine-cluster-uid";

/** The fields of a server that are read here. */
export type Server = {
  id: number;
  name: string;
  status: string;
  labels: Readonly<Record<string, string>>;
  public_net: { ipv4: { ip: string } | null; ipv6: { ip: string } | null };
  private_net: readonly { ip?: string }[];
  placement_group?: { id: number } | null;
};

const STATUSES: Readonly<Record<string, InstanceStatus>> = {
  initializing: "creating",
  running: "running",
  deleting: "deleting",
};

export function toInstance(server: Server): Instance {
  return {
    id: String(server.id),
    name: server.name,
    providerId: `hcloud://${server.id}`,
    machineUid: server.labels[LABEL_UID],
    clusterUid: server.labels[LABEL_CLUSTER],
    addresses: addressesOf(server),
    status: STATUSES[server.status] ?? "unknown",
    ...(server.placement_group && { resources: { placementGroup: String(server.placement_group.id) } }),
  };
}

/** Floating IPs are left out: a server shows only their IDs. */
function addressesOf({ private_net, public_net }: Server): NodeAddress[] {
  const external = [public_net.ipv4?.ip, public_net.ipv6 && firstHost(public_net.ipv6.ip)];
  return [
    ...private_net.map(({ ip }) => ({ type: "InternalIP", address: ip })),
    ...external.map((address) => ({ type: "ExternalIP", address })),
  ].filter((found): found is NodeAddress => Boolean(found.address));
}

/** `2001:db8::/64` → `2001:db8::1`, the address that Hetzner's images configure; in RFC 5952 form. */
function firstHost(network: string): string {
  const [base = ""] = network.split("/");
  const [head = "", tail = ""] = base.split("::");
  const [left, right] = [head, tail].map((part) => part.split(":").filter(Boolean)) as [string[], string[]];
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  const last = Number.parseInt(groups.at(-1) ?? "", 16) | 1;
  return new URL(`http://[${[...groups.slice(0, -1), last.toString(16)].join(":")}]`).hostname.slice(1, -1);
}
