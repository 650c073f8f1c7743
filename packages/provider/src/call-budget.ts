/**
 * What one credential may still ask of its cloud. All calls of the credential share a token bucket; its size and refill
 * come from the provider's declaration and from what the cloud's answers say (Retry-After, RateLimit headers). Deletions
 * go first. A call that would wait too long is refused before it is sent, so that it takes no worker's place.
 */
import type { Clock, Fetch } from "./definition.ts";
import { ProviderError } from "./errors.ts";
import { type RateLimit, readRateLimit } from "./rate-limit.ts";

export type CallBudget = {
  /**
   * Sends when there is room. An abort while it waits sends nothing.
   * @throws ProviderError `RateLimited`, with nothing sent, where it would wait longer than `LONGEST_WAIT_MS`.
   */
  readonly fetch: Fetch;
  readonly state: {
    /** Calls that may be sent at once; Infinity while no limit is known. */
    readonly left: number;
    readonly waiting: number;
    /** For how long the cloud asked to be left alone. */
    readonly pausedMs: number;
  };
};

/** Well within the time-out of a call, which runs while it waits. */
const LONGEST_WAIT_MS = 8_000;
const MOST_WAITING = 1_000;
/** After a refusal that names no time; doubles with each one in a row. */
const PAUSE = { minMs: 1_000, maxMs: 60_000 };

type Waiter = { send: () => void };

export function createCallBudget(options: {
  fetch: Fetch;
  clock: Clock;
  limit?: RateLimit | undefined;
  /** Which calls go first, beside those of the method DELETE. */
  isUrgent?: () => boolean;
}): CallBudget {
  const { fetch, clock, isUrgent = () => false } = options;
  let limit = options.limit;
  let tokens = limit?.burst ?? Infinity;
  let refilledAtMs = clock.now();
  let pausedUntilMs = 0;
  let refusals = 0;
  let inFlight = 0;
  const urgent: Waiter[] = [];
  const ordinary: Waiter[] = [];
  let alarm: AbortController | undefined;

  function refill(nowMs: number): void {
    if (limit !== undefined) {
      const gained = (Math.max(0, nowMs - refilledAtMs) / 1_000) * limit.perSecond;
      tokens = Math.min(limit.burst, tokens + gained);
    }
    refilledAtMs = nowMs;
  }

  /** How long until `calls` more can be sent. */
  function waitFor(calls: number, nowMs: number): number {
    refill(nowMs);
    const missing = calls - tokens;
    const forTokens = missing <= 0 || limit === undefined ? 0 : (missing / limit.perSecond) * 1_000;
    return Math.max(0, pausedUntilMs - nowMs, forTokens);
  }

  const waiting = (): number => urgent.length + ordinary.length;

  function dispatch(): void {
    alarm?.abort("another time");
    alarm = undefined;
    for (;;) {
      const queue = urgent.length > 0 ? urgent : ordinary;
      const [next] = queue;
      if (next === undefined) return;
      const nowMs = clock.now();
      const waitMs = waitFor(1, nowMs);
      if (waitMs > 0) {
        const controller = (alarm = new AbortController());
        clock.sleep(waitMs, { signal: controller.signal }).then(dispatch, () => undefined);
        return;
      }
      queue.shift();
      tokens -= 1;
      next.send();
    }
  }

  async function take(request: Request): Promise<void> {
    request.signal.throwIfAborted();
    const first = request.method === "DELETE" || isUrgent();
    const ahead = first ? urgent.length : waiting();
    const waitMs = waitFor(ahead + 1, clock.now());
    if (waitMs > LONGEST_WAIT_MS || waiting() >= MOST_WAITING) {
      const seconds = Math.ceil(waitMs / 1_000);
      throw new ProviderError("RateLimited", `the cloud's rate limit leaves no room for about ${seconds} s`, {
        retryAfterMs: Math.max(waitMs, PAUSE.minMs),
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = first ? urgent : ordinary;
    const waiter: Waiter = { send: resolve };
    const abort = (): void => {
      const at = queue.indexOf(waiter);
      if (at >= 0) queue.splice(at, 1);
      reject(request.signal.reason);
      dispatch();
    };
    queue.push(waiter);
    request.signal.addEventListener("abort", abort, { once: true });
    dispatch();
    try {
      await promise;
    } finally {
      request.signal.removeEventListener("abort", abort);
    }
  }

  function learn(response: Response): void {
    const nowMs = clock.now();
    refill(nowMs);
    const told = readRateLimit(response.headers, nowMs);
    if (told.limit !== undefined) limit = told.limit;
    // Others may use the credential too: the cloud's own count is right, less what is on its way.
    if (told.remaining !== undefined && limit !== undefined) tokens = Math.min(limit.burst, told.remaining - inFlight);
    const isRefusal = response.status === 429;
    refusals = isRefusal ? refusals + 1 : 0;
    const backoffMs = isRefusal ? Math.min(PAUSE.maxMs, PAUSE.minMs * 2 ** (refusals - 1)) : 0;
    const pauseMs = isRefusal || response.status === 503 ? (told.retryAfterMs ?? backoffMs) : 0;
    if (pauseMs > 0) pausedUntilMs = Math.max(pausedUntilMs, nowMs + pauseMs);
    dispatch();
  }

  return {
    async fetch(request) {
      await take(request);
      inFlight += 1;
      let response: Response | undefined;
      try {
        response = await fetch(request);
        return response;
      } finally {
        inFlight -= 1;
        if (response !== undefined) learn(response);
      }
    },
    get state() {
      const nowMs = clock.now();
      refill(nowMs);
      return { left: Math.max(0, tokens), waiting: waiting(), pausedMs: Math.max(0, pausedUntilMs - nowMs) };
    },
  };
}
