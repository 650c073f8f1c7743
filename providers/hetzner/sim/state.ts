/** What the simulated cloud remembers. Times are milliseconds since the epoch; states that pass with time are timelines. */
import type {
  Clock,
  Collection,
  MachineRoom,
  Random,
  Records,
  SimulatorContext,
} from "@machine-controller/cloud-simulator";
import type { Labels } from "./label-selector.ts";

export type Owned = { id: number; project: string };
export type Named = Owned & { name: string; labels: Labels; created: number };

export type ServerStatus = "initializing" | "starting" | "running" | "stopping" | "off" | "deleting";

export type ServerRecord = Named & {
  serverType: number;
  image: number;
  location: string;
  ipv4?: { id: number; ip: string };
  /** `ip` is the network, e.g. `2001:db8:1::/64`. */
  ipv6?: { id: number; ip: string };
  privateNets: { network: number; ip: string; mac: string; attachedAt: number }[];
  firewalls: number[];
  placementGroup?: number;
  isProtected: boolean;
  /** The status is that of the last entry that has begun. */
  timeline: { at: number; status: ServerStatus }[];
  /** While an action runs that shuts out others. */
  lockedUntil: number;
  goneAt?: number;
};

export type ActionRecord = Owned & {
  command: string;
  started: number;
  finishes: number;
  resources: { id: number; type: string }[];
  error?: { code: string; message: string };
};

export type Subnet = { type: "cloud" | "server" | "vswitch"; ip_range: string; network_zone: string; gateway: string };
export type NetworkRecord = Named & {
  ipRange: string;
  subnets: Subnet[];
  routes: { destination: string; gateway: string }[];
  exposeRoutesToVswitch: boolean;
  isProtected: boolean;
};
export type FirewallRecord = Named & { rules: object[] };
export type PlacementGroupRecord = Named & { type: "spread" };
export type SshKeyRecord = Named & { fingerprint: string; publicKey: string };

export type HetznerTiming = {
  /** From the acknowledgement of a server to `running`. */
  createMs: number;
  /** Power, network and deletion. */
  actionMs: number;
};

/** The next `times` actions of this command fail; a server whose creation fails is gone. */
export type ActionFailure = { command: string; times: number; code?: string; message?: string };

export type Cloud = {
  clock: Clock;
  random: Random;
  records: Records;
  machines: MachineRoom;
  timing: HetznerTiming;
  maxServers: number;
  /** `type@location` that cannot be had at the moment. */
  soldOut: ReadonlySet<string>;
  failures: ActionFailure[];
  servers: Collection<ServerRecord>;
  actions: Collection<ActionRecord>;
  networks: Collection<NetworkRecord>;
  firewalls: Collection<FirewallRecord>;
  placementGroups: Collection<PlacementGroupRecord>;
  sshKeys: Collection<SshKeyRecord>;
};

/** Unlike for each kind, so that an ID taken for another kind's is never found by chance. */
const FIRST_ID = {
  server: 1e8,
  action: 5e8,
  network: 1e7,
  firewall: 2e6,
  placementGroup: 3e5,
  sshKey: 4e7,
  address: 7e7,
};

export type Kind = keyof typeof FIRST_ID;

export function nextId({ records }: Cloud, kind: Kind): number {
  return FIRST_ID[kind] + records.nextNumber(kind);
}

export type CloudSettings = Pick<Cloud, "timing" | "maxServers" | "soldOut" | "failures">;

export function openCloud(context: SimulatorContext, settings: CloudSettings): Cloud {
  const { records } = context;
  return {
    ...context,
    ...settings,
    servers: records.collection("server"),
    actions: records.collection("action"),
    networks: records.collection("network"),
    firewalls: records.collection("firewall"),
    placementGroups: records.collection("placement_group"),
    sshKeys: records.collection("ssh_key"),
  };
}

export function* inProject<T extends Owned>(collection: Collection<T>, project: string): IterableIterator<T> {
  for (const item of collection.values()) if (item.project === project) yield item;
}

/** Servers that still exist now. */
export function* serversOf(cloud: Cloud, project: string): IterableIterator<ServerRecord> {
  const now = cloud.clock.now();
  for (const server of inProject(cloud.servers, project)) {
    if (server.goneAt === undefined || now < server.goneAt) yield server;
  }
}

export function statusOf(server: ServerRecord, now: number): ServerStatus {
  return server.timeline.findLast(({ at }) => at <= now)?.status ?? "initializing";
}

/** RFC 3339 as the vendor writes it. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "+00:00");
}
