/** What a resourceVersion in a query may be, relative to the store. */
import { badRequest, StatusError } from "../status-error.ts";

export function parseResourceVersion(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw badRequest(`invalid resource version ${JSON.stringify(text)}: it must be a non-negative integer`);
  }
  return Number(text);
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
