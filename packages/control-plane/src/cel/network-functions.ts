/** Kubernetes' IP and CIDR libraries for CEL, for what the platform's own address types can tell. */
import { BlockList, isIP } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";

class Address {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

class Cidr {
  readonly address: string;
  readonly bits: number;

  constructor(address: string, bits: number) {
    this.address = address;
    this.bits = bits;
  }
}

export function registerCidrFunctions(environment: Environment): void {
  const define = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler);
  };
  environment.registerType("net.IP", Address);
  environment.registerType("net.CIDR", Cidr);
  define("isIP(string): bool", (text: string) => isIP(text) !== 0);
  define("ip(string): net.IP", (text: string) => {
    if (isIP(text) === 0) throw unreadableAddress(text);
    return new Address(text);
  });
  define("net.IP.family(): int", ({ text }: Address) => BigInt(isIP(text)));
  define("isCIDR(string): bool", (text: string) => parseCidr(text) !== undefined);
  define("cidr(string): net.CIDR", (text: string) => {
    const parsed = parseCidr(text);
    if (parsed === undefined) throw unreadableCidr(text);
    return parsed;
  });
  define("net.CIDR.containsIP(string): bool", (cidr: Cidr, text: string) => holds(cidr, text));
  define("net.CIDR.containsIP(net.IP): bool", (cidr: Cidr, { text }: Address) => holds(cidr, text));
  define("net.CIDR.prefixLength(): int", ({ bits }: Cidr) => BigInt(bits));
  define("net.CIDR.ip(): net.IP", ({ address }: Cidr) => new Address(address));
}

function unreadableAddress(text: string): Error {
  const why = `ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  return new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${why}`);
}

/** Kubernetes says where it happened twice. */
function unreadableCidr(text: string): Error {
  const where = "network address parse error during conversion from string: ";
  const why = text.includes("/") ? "unable to parse" : "no '/'";
  return new Error(`${where}${where}netip.ParsePrefix(${JSON.stringify(text)}): ${why}`);
}

function parseCidr(text: string): Cidr | undefined {
  const [address = "", bits = "", ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  return Number(bits) <= (family === 4 ? 32 : 128) ? new Cidr(address, Number(bits)) : undefined;
}

function holds({ address, bits }: Cidr, text: string): boolean {
  const family = isIP(text);
  if (family === 0) throw unreadableAddress(text);
  if (family !== isIP(address)) return false;
  const list = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  list.addSubnet(address, bits, type);
  return list.check(text, type);
}
