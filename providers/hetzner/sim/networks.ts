/** `/networks` with their subnets. */
import { Hono } from "hono";
import { actionView, resourceActionRoutes, startAction } from "./actions.ts";
import { contains, formatIpv4, machineAddresses, parseRange } from "./addresses.ts";
import { LOCATIONS } from "./catalog/locations.ts";
import { HetznerError, invalidInput } from "./errors.ts";
import { readInput, type Input } from "./input.ts";
import type { ProjectEnv } from "./project.ts";
import { findResource, resourceRoutes, type ResourceOptions } from "./resource.ts";
import { serversOf, toTimestamp, type Cloud, type NetworkRecord, type ServerRecord, type Subnet } from "./state.ts";

const PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(parseRange);
const SUBNET_SIZE = 256;

function networks(cloud: Cloud): ResourceOptions<NetworkRecord> {
  return {
    kind: "network",
    what: "network",
    keys: ["network", "networks"],
    collection: cloud.networks,
    view: (network) => ({
      id: network.id,
      name: network.name,
      labels: network.labels,
      created: toTimestamp(network.created),
      ip_range: network.ipRange,
      subnets: network.subnets.map((subnet) => ({ ...subnet, vswitch_id: null })),
      routes: network.routes,
      servers: attachedServers(cloud, network).map((server) => server.id),
      load_balancers: [],
      protection: { delete: network.isProtected },
      expose_routes_to_vswitch: network.exposeRoutesToVswitch,
    }),
    read(input) {
      const ipRange = input.requiredText("ip_range");
      const range = parseRange(ipRange);
      const isPrivate = range !== undefined && PRIVATE_RANGES.some((outer) => outer && contains(outer, range));
      if (ipRange !== "" && (!isPrivate || range.size < SUBNET_SIZE)) {
        input.reject("ip_range", "must be a private IPv4 range of /24 or larger");
      }
      const subnets = input.objects("subnets").reduce<Subnet[]>((before, entry) => {
        const subnet = readSubnet(entry, { ipRange, subnets: before });
        return subnet === undefined ? before : [...before, subnet];
      }, []);
      const routes = input.objects("routes").map((entry) => ({
        destination: entry.requiredText("destination"),
        gateway: entry.requiredText("gateway"),
      }));
      const exposeRoutesToVswitch = input.flag("expose_routes_to_vswitch") ?? false;
      return (base) => ({ ...base, ipRange, subnets, routes, exposeRoutesToVswitch, isProtected: false });
    },
    checkDelete(network) {
      if (network.isProtected) throw new HetznerError("protected", "network deletion is protected");
    },
    // The vendor's document: attached servers do not keep a network; they are detached.
    detach({ id, project }) {
      for (const server of attachedServers(cloud, { id, project })) {
        const detached = { ...server, privateNets: server.privateNets.filter(({ network }) => network !== id) };
        cloud.servers.put(String(server.id), detached);
        cloud.machines.setAddresses(String(server.id), machineAddresses(detached));
      }
    },
  };
}

export function networkRoutes(cloud: Cloud): Hono<ProjectEnv> {
  const options = networks(cloud);
  return new Hono<ProjectEnv>()
    .post("/:id{[0-9]+}/actions/add_subnet", async (c) => {
      const input = await readInput(c.req.raw);
      const network = findResource(options, c.var.project, c.req.param("id"));
      const subnet = readSubnet(input, network);
      input.check();
      if (subnet === undefined) throw invalidInput({ name: "ip_range", message: "no range is free" });
      cloud.networks.put(String(network.id), { ...network, subnets: [...network.subnets, subnet] });
      const resources = [{ id: network.id, type: "network" }];
      const action = startAction(cloud, { project: c.var.project, command: "add_subnet", resources });
      return c.json({ action: actionView(action, cloud.clock.now()) }, 201);
    })
    .route("/", resourceActionRoutes(cloud, "network"))
    .route("/", resourceRoutes(cloud, options));
}

function attachedServers(cloud: Cloud, { id, project }: Pick<NetworkRecord, "id" | "project">): ServerRecord[] {
  return [...serversOf(cloud, project)].filter(({ privateNets }) => privateNets.some(({ network }) => network === id));
}

/** Without a range asked for, the first free /24 of the network. */
function readSubnet(input: Input, network: { ipRange: string; subnets: Subnet[] }): Subnet | undefined {
  const type = input.requiredText("type");
  const zone = input.requiredText("network_zone");
  if (type !== "cloud" && type !== "server") input.reject("type", "must be one of: cloud, server");
  if (!LOCATIONS.some((location) => location.network_zone === zone)) input.reject("network_zone", "is unknown");
  const outer = parseRange(network.ipRange);
  const others = network.subnets.flatMap(({ ip_range }) => parseRange(ip_range) ?? []);
  if (outer === undefined) return undefined;
  const asked = input.text("ip_range");
  const candidates = asked === undefined ? freeRanges(outer) : [parseRange(asked)];
  for (const range of candidates) {
    if (range === undefined || !contains(outer, range)) break;
    if (others.some((other) => contains(other, range) || contains(range, other))) continue;
    const cidr = `${formatIpv4(range.first)}/${32 - Math.log2(range.size)}`;
    const gateway = formatIpv4(outer.first + 1);
    return { type: type === "server" ? "server" : "cloud", ip_range: cidr, network_zone: zone, gateway };
  }
  input.reject("ip_range", "must be a free part of the range of the network");
  return undefined;
}

function* freeRanges(outer: { first: number; size: number }): IterableIterator<{ first: number; size: number }> {
  for (let first = outer.first; first < outer.first + outer.size; first += SUBNET_SIZE) {
    yield { first, size: SUBNET_SIZE };
  }
}
