/** The string formats that CustomResourceDefinitions enforce; unknown formats accept everything. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { parseDuration } from "./duration.ts";

const CHECKS: Record<string, (text: string) => boolean> = {
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  "date-time": (text) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) => text.length <= 253 && /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$/.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: (text) => {
    const [address = "", bits = "", ...rest] = text.split("/");
    return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && rest.length === 0;
  },
  uri: (text) => URL.canParse(text),
  uuid: (text) => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text),
  byte: (text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0,
  duration: (text) => parseDuration(text) !== undefined,
};

export function isFormat(text: string, format: string): boolean {
  return CHECKS[format]?.(text) ?? true;
}
