/** What a resourceVersion in a query may be, relative to the store. */
import { badRequest, StatusError } from "../status-error.ts";

/** Throws what `refuse` makes of the words for what is no number; unless it says otherwise, that is an error of the server's. */
export function parseResourceVersion(
  text: string | null,
  refuse = (why: string): StatusError => new StatusError("Unknown", why),
): number | undefined {
  if (text === null || text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const quoted = JSON.stringify(text);
  const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  throw refuse(`resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`);
}

const MAX_INTEGER = 2n ** 63n;

/** An option such as `limit`. Throws BadRequest for what is no integer. */
export function integerOption(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const isInteger = /^[+-]?\d+$/.test(text);
  const value = isInteger ? BigInt(text.replace("+", "")) : 0n;
  if (isInteger && value < MAX_INTEGER && value >= -MAX_INTEGER) return Number(value);
  const why = isInteger ? "value out of range" : "invalid syntax";
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
}

/** Throws Timeout for a revision that does not exist yet. */
export function checkNotAhead(text: string | null, current: number): void {
  const wanted = parseResourceVersion(text);
  if (wanted !== undefined && wanted > current) throw tooLarge(wanted, current);
}

export function tooLarge(wanted: number, current: number): StatusError {
  return new StatusError("Timeout", `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}

export function expired(wanted: number, oldest: number): StatusError {
  return new StatusError("Expired", `too old resource version: ${wanted} (${oldest})`);
}
