/** How many requests may be at work at once. Watches, which last, do not count; neither do administrators, who must get in. */
import { MASTERS } from "../security/user.ts";
import type { User } from "../security/user.ts";
import { StatusError } from "../status-error.ts";

export type RequestKind = "mutating" | "readOnly";

export type InFlight = {
  /** Returns how to leave. Throws TooManyRequests when there is no room. */
  enter(kind: RequestKind, user: User): () => void;
  count(kind: RequestKind): number;
};

export type InFlightLimits = Record<RequestKind, number>;

/** The API server's own. */
export const IN_FLIGHT_LIMITS: InFlightLimits = { mutating: 200, readOnly: 400 };

export function createInFlight(limits: InFlightLimits): InFlight {
  const counts = { mutating: 0, readOnly: 0 };
  return {
    count: (kind) => counts[kind],
    enter(kind, user) {
      if (counts[kind] >= limits[kind] && !user.groups.includes(MASTERS)) {
        throw new StatusError("TooManyRequests", "Too many requests, please try again later.", {
          details: { retryAfterSeconds: 1 },
        });
      }
      counts[kind] += 1;
      return () => {
        counts[kind] -= 1;
      };
    },
  };
}

export function requestKind(verb: string): RequestKind {
  return ["get", "list", "watch", "head", "options"].includes(verb) ? "readOnly" : "mutating";
}
