/** Addresses of servers: ranges reserved for benchmarks and documentation, so that none can be somebody's. */
import type { Cloud, NetworkRecord, ServerRecord } from "./state.ts";

/** 198.18.0.0/15 without its first and last address. */
const IPV4_FIRST = (198 << 24) + (18 << 16) + 1;
const IPV4_COUNT = 2 ** 17 - 2;

/** The next address of 198.18.0.0/15 that no server has. */
export function nextIpv4(cloud: Cloud): string {
  for (;;) {
    const number = cloud.records.nextNumber("ipv4");
    const ip = formatIpv4(IPV4_FIRST + (number % IPV4_COUNT));
    const isFirstRound = number < IPV4_COUNT;
    if (isFirstRound || ![...cloud.servers.values()].some(({ ipv4 }) => ipv4?.ip === ip)) return ip;
  }
}

/** The next /64 of 2001:db8::/32. */
export function nextIpv6(cloud: Cloud): string {
  const number = cloud.records.nextNumber("ipv6");
  const group = (value: number): string => (value & 0xffff).toString(16);
  return `2001:db8:${group(number >>> 16)}:${group(number)}::/64`;
}

/** The address a server takes for itself in its /64. */
export function firstOfNetwork(network: string): string {
  return network.replace("::/64", "::1");
}

/** A free address in a subnet of the zone; undefined if there is no such subnet or it is full. */
export function nextPrivateIp(cloud: Cloud, network: NetworkRecord, zone: string): string | undefined {
  const taken = new Set(
    [...cloud.servers.values()].flatMap(({ privateNets }) =>
      privateNets.filter((net) => net.network === network.id).map(({ ip }) => ip),
    ),
  );
  for (const subnet of network.subnets) {
    if (subnet.network_zone !== zone) continue;
    const range = parseRange(subnet.ip_range);
    if (range === undefined) continue;
    // The first address is the gateway's.
    for (let address = range.first + 2; address < range.first + range.size - 1; address += 1) {
      const ip = formatIpv4(address);
      if (!taken.has(ip)) return ip;
    }
  }
  return undefined;
}

export type Range = { first: number; size: number };

/** CIDR notation, IPv4. */
export function parseRange(cidr: string): Range | undefined {
  const [address = "", bits = ""] = cidr.split("/");
  const octets = address.split(".").map(Number);
  const isAddress =
    octets.length === 4 && octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  if (!isAddress || !/^\d+$/.test(bits) || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return value % size === 0 ? { first: value, size } : undefined;
}

export function contains(outer: Range, inner: Range): boolean {
  return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}

/** The way from a server's record to what its operating system sees. */
export function machineAddresses(server: ServerRecord): { type: "InternalIP" | "ExternalIP"; address: string }[] {
  const { privateNets, ipv4, ipv6 } = server;
  return [
    ...privateNets.map(({ ip }) => ({ type: "InternalIP" as const, address: ip })),
    ...(ipv4 === undefined ? [] : [{ type: "ExternalIP" as const, address: ipv4.ip }]),
    ...(ipv6 === undefined ? [] : [{ type: "ExternalIP" as const, address: firstOfNetwork(ipv6.ip) }]),
  ];
}
