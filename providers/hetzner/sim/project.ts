/** Who asks: a token belongs to one project, and its requests draw on that project's rate limit. */
import type { Clock } from "@machine-controller/cloud-simulator";
import { HetznerError } from "./errors.ts";

/** What every route knows. */
export type ProjectEnv = { Bindings: { project: string }; Variables: { project: string } };

export type TokenGrant = { project: string; readOnly?: boolean };
export type Tokens = Record<string, TokenGrant>;

/** @throws HetznerError `unauthorized` or `token_readonly` */
export function authenticate(tokens: Tokens, request: Request): string {
  const token = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  const grant = token === undefined || !Object.hasOwn(tokens, token) ? undefined : tokens[token];
  if (grant === undefined) throw new HetznerError("unauthorized", "unable to authenticate");
  if (grant.readOnly === true && request.method !== "GET") {
    throw new HetznerError("token_readonly", "the token is only allowed to perform GET requests");
  }
  return grant.project;
}

export type RateLimit = {
  /** Takes one request out of the project's budget; false if there is none left. */
  take(project: string): boolean;
  headers(project: string): Record<string, string>;
};

/** A bucket for each project that refills evenly over the hour. */
export function createRateLimit(limitPerHour: number, clock: Clock): RateLimit {
  const perMs = limitPerHour / 3_600_000;
  const buckets = new Map<string, { left: number; at: number }>();
  const refill = (project: string): { left: number; at: number } => {
    const now = clock.now();
    const { left, at } = buckets.get(project) ?? { left: limitPerHour, at: now };
    const bucket = { left: Math.min(limitPerHour, left + (now - at) * perMs), at: now };
    buckets.set(project, bucket);
    return bucket;
  };
  return {
    take(project) {
      const bucket = refill(project);
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
    headers(project) {
      const { left, at } = refill(project);
      return {
        "ratelimit-limit": String(limitPerHour),
        "ratelimit-remaining": String(Math.floor(left)),
        "ratelimit-reset": String(Math.ceil((at + (limitPerHour - left) / perMs) / 1000)),
      };
    },
  };
}
