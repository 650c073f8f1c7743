/** What a cloud's answer says about its rate limit, in the headers that clouds use. */
export type RateLimit = {
  /** Calls that may be sent at once after a rest. */
  readonly burst: number;
  readonly perSecond: number;
};

export type ToldRateLimit = {
  limit: RateLimit | undefined;
  remaining: number | undefined;
  retryAfterMs: number | undefined;
};

/** Larger numbers are Unix times, smaller ones seconds from now: both are in use. */
const FIRST_UNIX_TIME = 1_000_000_000;

/**
 * `RateLimit-Limit`, `-Remaining` and `-Reset`, with or without `X-`. The reset is taken for the time at which the whole
 * limit is there again; a cloud that gives all of it back at once then only refuses less than it would.
 */
export function readRateLimit(headers: Headers, nowMs: number): ToldRateLimit {
  const number = (name: string): number | undefined => {
    const text = headers.get(`ratelimit-${name}`) ?? headers.get(`x-ratelimit-${name}`);
    // A list of quotas (`100, 100;w=60`) begins with the one that is closest.
    const value = Number.parseFloat(text ?? "");
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const burst = number("limit");
  const remaining = number("remaining");
  const reset = number("reset");
  const told = { remaining, retryAfterMs: retryAfterMs(headers, nowMs) };
  if (burst === undefined || burst < 1 || remaining === undefined || reset === undefined) {
    return { ...told, limit: undefined };
  }
  const secondsLeft = reset >= FIRST_UNIX_TIME ? reset - nowMs / 1_000 : reset;
  const used = burst - remaining;
  // A full bucket, or a reset that has passed, tells nothing of how fast it fills.
  if (used <= 0 || secondsLeft <= 0) return { ...told, limit: undefined };
  return { ...told, limit: { burst, perSecond: used / secondsLeft } };
}

/** Wait that `Retry-After` asks for, in milliseconds; undefined when there is none. */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
