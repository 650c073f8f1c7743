/** `POST /servers`: everything is checked before anything happens; then server, addresses and actions appear at once. */
import { hex } from "@machine-controller/cloud-simulator";
import { actionView, startAction } from "./actions.ts";
import { machineAddresses, nextIpv4, nextIpv6, nextPrivateIp } from "./addresses.ts";
import { IMAGES, type Image } from "./catalog/images.ts";
import { DATACENTERS, LOCATIONS, type Location } from "./catalog/locations.ts";
import { SERVER_TYPES, type ServerType } from "./catalog/server-types.ts";
import { HetznerError, invalidInput, notUnique } from "./errors.ts";
import type { Input } from "./input.ts";
import { GROUP_SIZE, membersOf } from "./placement-groups.ts";
import { serverView } from "./server-view.ts";
import {
  inProject,
  nextId,
  serversOf,
  type Cloud,
  type NetworkRecord,
  type PlacementGroupRecord,
  type ServerRecord,
} from "./state.ts";

const MAX_USER_DATA_BYTES = 32 * 1024;
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

export function isHostname(name: string): boolean {
  return HOSTNAME.test(name);
}

type Order = {
  name: string;
  labels: Record<string, string>;
  userData: string;
  type: ServerType;
  image: Image;
  location: Location;
  networks: NetworkRecord[];
  firewalls: number[];
  placementGroup: PlacementGroupRecord | undefined;
  hasIpv4: boolean;
  hasIpv6: boolean;
  hasSshKeys: boolean;
  isStarted: boolean;
};

export function createServer(cloud: Cloud, project: string, input: Input): Response {
  const order = readOrder(cloud, project, input);
  return cloud.records.transaction(() => carryOut(cloud, project, order));
}

/** Every problem is reported to the input before the first one is thrown. @throws HetznerError */
function readOrder(cloud: Cloud, project: string, input: Input): Order {
  const name = input.requiredText("name");
  if (name !== "" && !isHostname(name)) input.reject("name", "server name is not a valid hostname");
  const userData = input.text("user_data") ?? "";
  if (Buffer.byteLength(userData) > MAX_USER_DATA_BYTES) input.reject("user_data", "is too long, maximum is 32 KiB");
  if (input.ids("volumes").length > 0) input.reject("volumes", "volume not found");
  input.flag("automount");
  const place = readPlace(input);
  const { type, image } = readOffer(input);
  const order = {
    name,
    labels: input.labels() ?? {},
    userData,
    isStarted: input.flag("start_after_create") ?? true,
    ...readNetworking(cloud, project, input),
    placementGroup: readPlacementGroup(cloud, project, input),
    hasSshKeys: readSshKeys(cloud, project, input).length > 0,
  };
  input.check();
  if (type === undefined || image === undefined) throw new HetznerError("server_error", "the order was not checked");
  return { ...order, type, image, location: checkAvailability(cloud, type, place) };
}

function readOffer(input: Input): { type: ServerType | undefined; image: Image | undefined } {
  const typeName = input.idOrName("server_type") ?? input.requiredText("server_type");
  const imageName = input.idOrName("image") ?? input.requiredText("image");
  const type = SERVER_TYPES.find(({ id, name }) => name === typeName || String(id) === typeName);
  if (type === undefined && typeName !== "") input.reject("server_type", `server type '${typeName}' not found`);
  const images = IMAGES.filter(({ id, name }) => name === imageName || String(id) === imageName);
  if (images.length === 0 && imageName !== "") input.reject("image", `image '${imageName}' not found`);
  const image = images.find(({ architecture }) => architecture === type?.architecture);
  if (images.length > 0 && type !== undefined && image === undefined) {
    input.reject("image", `image has another architecture than server type '${type.name}'`);
  }
  return { type, image };
}

type Networking = Pick<Order, "networks" | "firewalls" | "hasIpv4" | "hasIpv6">;

function readNetworking(cloud: Cloud, project: string, input: Input): Networking {
  const networks = input.ids("networks").flatMap((id) => {
    const network = cloud.networks.get(String(id));
    if (network?.project === project) return [network];
    input.reject("networks", `network '${id}' not found`);
    return [];
  });
  const firewalls = input.objects("firewalls").map((entry) => entry.id("firewall") ?? 0);
  for (const id of firewalls) {
    if (cloud.firewalls.get(String(id))?.project !== project) input.reject("firewalls", `firewall '${id}' not found`);
  }
  const publicNet = input.object("public_net");
  const hasIpv4 = publicNet?.flag("enable_ipv4") ?? true;
  const hasIpv6 = publicNet?.flag("enable_ipv6") ?? true;
  for (const field of ["ipv4", "ipv6"]) {
    if (publicNet?.id(field) !== undefined) publicNet.reject(field, "primary IP not found");
  }
  const isPrivate = !hasIpv4 && !hasIpv6;
  if (isPrivate && input.ids("networks").length === 0) {
    input.reject("public_net", "server must have at least one public IP or be attached to a network");
  }
  if (isPrivate && firewalls.length > 0) input.reject("firewalls", "server has no public network interface");
  return { networks, firewalls, hasIpv4, hasIpv6 };
}

function readPlacementGroup(cloud: Cloud, project: string, input: Input): PlacementGroupRecord | undefined {
  const id = input.id("placement_group");
  const group = id === undefined ? undefined : cloud.placementGroups.get(String(id));
  if (id !== undefined && group?.project !== project) {
    input.reject("placement_group", `placement group '${id}' not found`);
  }
  return group;
}

function readSshKeys(cloud: Cloud, project: string, input: Input): string[] {
  const keys = input.idsOrNames("ssh_keys");
  const known = [...inProject(cloud.sshKeys, project)].flatMap(({ id, name }) => [String(id), name]);
  for (const key of keys) if (!known.includes(key)) input.reject("ssh_keys", `SSH key '${key}' not found`);
  return keys;
}

function readPlace(input: Input): Location | undefined {
  const location = input.idOrName("location");
  const datacenter = input.idOrName("datacenter");
  if (location !== undefined && datacenter !== undefined) input.reject("location", "must not be used with datacenter");
  const place =
    location !== undefined
      ? LOCATIONS.find(({ id, name }) => name === location || String(id) === location)
      : DATACENTERS.find(({ id, name }) => name === datacenter || String(id) === datacenter)?.location;
  if (location !== undefined && place === undefined) input.reject("location", `location '${location}' not found`);
  if (datacenter !== undefined && place === undefined)
    input.reject("datacenter", `datacenter '${datacenter}' not found`);
  return place;
}

/** Without a place asked for, the first one that has the type. @throws HetznerError */
function checkAvailability(cloud: Cloud, type: ServerType, place: Location | undefined): Location {
  const now = cloud.clock.now();
  const supported = LOCATIONS.filter(({ name }) => type.locations.some((at) => at.name === name));
  if (place !== undefined && !supported.includes(place)) {
    throw invalidInput({ name: "location", message: `unsupported location for server type '${type.name}'` });
  }
  const candidates = (place === undefined ? supported : [place]).filter(({ name }) => {
    const deprecation = type.locations.find((at) => at.name === name)?.deprecation;
    return !deprecation || now < Date.parse(deprecation.unavailable_after);
  });
  if (candidates.length === 0) {
    throw new HetznerError("invalid_server_type", `server type '${type.name}' is deprecated and no longer available`);
  }
  const available = candidates.find(({ name }) => !cloud.soldOut.has(`${type.name}@${name}`));
  if (available === undefined) throw new HetznerError("resource_unavailable", "error during placement");
  return available;
}

function carryOut(cloud: Cloud, project: string, order: Order): Response {
  let existing = 0;
  for (const { name } of serversOf(cloud, project)) {
    if (name === order.name) throw notUnique("server", "name");
    existing++;
  }
  if (existing >= cloud.maxServers) {
    throw new HetznerError("resource_limit_exceeded", "server limit exceeded", {
      details: { limits: [{ name: "server_limit" }] },
    });
  }
  const { placementGroup } = order;
  if (placementGroup !== undefined && membersOf(cloud, placementGroup).length >= GROUP_SIZE) {
    throw new HetznerError("placement_error", `placement group has ${GROUP_SIZE} servers already`);
  }
  const now = cloud.clock.now();
  const readyAt = now + cloud.timing.createMs;
  const id = nextId(cloud, "server");
  const server: ServerRecord = {
    id,
    project,
    name: order.name,
    labels: order.labels,
    created: now,
    serverType: order.type.id,
    image: order.image.id,
    location: order.location.name,
    ...(order.hasIpv4 && { ipv4: { id: nextId(cloud, "address"), ip: nextIpv4(cloud) } }),
    ...(order.hasIpv6 && { ipv6: { id: nextId(cloud, "address"), ip: nextIpv6(cloud) } }),
    privateNets: order.networks.map((network) => attachment(cloud, network, { order, attachedAt: readyAt })),
    firewalls: order.firewalls,
    ...(placementGroup !== undefined && { placementGroup: placementGroup.id }),
    isProtected: false,
    timeline: [
      { at: now, status: "initializing" },
      { at: readyAt, status: order.isStarted ? "running" : "off" },
    ],
    lockedUntil: readyAt,
  };
  const resources = [{ id, type: "server" }];
  const action = startAction(cloud, { project, command: "create_server", resources, finishes: readyAt });
  const nextActions = [
    ...(order.isStarted
      ? [startAction(cloud, { project, command: "start_server", resources, finishes: readyAt })]
      : []),
    ...order.networks.map((network) =>
      startAction(cloud, {
        project,
        command: "attach_to_network",
        resources: [...resources, { id: network.id, type: "network" }],
        finishes: readyAt,
      }),
    ),
  ];
  const isDoomed = action.error !== undefined;
  cloud.servers.put(String(id), isDoomed ? { ...server, goneAt: readyAt } : server);
  const machine = {
    id: String(id),
    name: server.name,
    userData: order.userData,
    addresses: machineAddresses(server),
    cpus: order.type.cores,
    memoryMiB: order.type.memory * 1024,
    diskGiB: order.type.disk,
    architecture: order.type.architecture === "arm" ? "arm64" : "amd64",
    osImage: order.image.description,
  } as const;
  cloud.machines.add(machine, order.isStarted && !isDoomed ? { onSince: readyAt } : {});
  return Response.json(
    {
      server: serverView(cloud, server),
      action: actionView(action, now),
      next_actions: nextActions.map((next) => actionView(next, now)),
      root_password: order.hasSshKeys ? null : hex(cloud.random, 20),
    },
    { status: 201 },
  );
}

/** @throws HetznerError `no_subnet_available` */
export function attachment(
  cloud: Cloud,
  network: NetworkRecord,
  { order, attachedAt }: { order: { location: Location }; attachedAt: number },
): ServerRecord["privateNets"][number] {
  const ip = nextPrivateIp(cloud, network, order.location.network_zone);
  if (ip === undefined) {
    throw new HetznerError(
      "no_subnet_available",
      `network '${network.name}' has no free address in the zone of the server`,
    );
  }
  return { network: network.id, ip, mac: `86:00:00:${hex(cloud.random, 6).replaceAll(/..(?=.)/g, "$&:")}`, attachedAt };
}
