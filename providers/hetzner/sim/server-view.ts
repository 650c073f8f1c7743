/** A server as the vendor shows it. */
import { imageView, IMAGES } from "./catalog/images.ts";
import { DATACENTERS, LOCATIONS } from "./catalog/locations.ts";
import { SERVER_TYPES } from "./catalog/server-types.ts";
import { placementGroupView } from "./placement-groups.ts";
import { statusOf, toTimestamp, type Cloud, type ServerRecord } from "./state.ts";

export function serverView(cloud: Cloud, server: ServerRecord): object {
  const now = cloud.clock.now();
  const type = SERVER_TYPES.find(({ id }) => id === server.serverType);
  const image = IMAGES.find(({ id }) => id === server.image);
  const group = server.placementGroup && cloud.placementGroups.get(String(server.placementGroup));
  return {
    id: server.id,
    name: server.name,
    status: statusOf(server, now),
    created: toTimestamp(server.created),
    labels: server.labels,
    server_type: type,
    image: image === undefined ? null : imageView(image),
    location: LOCATIONS.find(({ name }) => name === server.location),
    datacenter: DATACENTERS.find(({ location }) => location.name === server.location),
    public_net: {
      ipv4: server.ipv4 === undefined ? null : { ...server.ipv4, blocked: false, dns_ptr: reverseName(server.ipv4.ip) },
      ipv6: server.ipv6 === undefined ? null : { ...server.ipv6, blocked: false, dns_ptr: [] },
      floating_ips: [],
      firewalls: server.firewalls.map((id) => ({ id, status: "applied" })),
    },
    private_net: server.privateNets
      .filter(({ attachedAt }) => attachedAt <= now)
      .map(({ network, ip, mac }) => ({ network, ip, alias_ips: [], mac_address: mac })),
    placement_group: group ? placementGroupView(cloud, group) : null,
    protection: { delete: server.isProtected, rebuild: server.isProtected },
    locked: now < server.lockedUntil,
    backup_window: null,
    included_traffic: 20 * 1024 ** 4,
    ingoing_traffic: 0,
    outgoing_traffic: 0,
    iso: null,
    load_balancers: [],
    primary_disk_size: type?.disk ?? 0,
    rescue_enabled: false,
    volumes: [],
  };
}

function reverseName(ip: string): string {
  return `static.${ip.split(".").toReversed().join(".")}.example.net`;
}
