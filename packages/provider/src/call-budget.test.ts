import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallBudget } from "./call-budget.ts";
import { isProviderError } from "./errors.ts";
import { readRateLimit, type RateLimit, retryAfterMs } from "./rate-limit.ts";

/** A clock that a test moves; sleepers wake in order of their time. */
function manualClock() {
  let nowMs = 0;
  const sleepers = new Set<{ due: number; wake: () => void }>();
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    sleep: (ms: number, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve, reject) => {
        const sleeper = { due: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener("abort", () => (sleepers.delete(sleeper), reject(signal.reason)));
      }),
    async advance(ms: number) {
      const end = nowMs + ms;
      await settle();
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.due - b.due)[0];
        if (next === undefined || next.due > end) break;
        nowMs = Math.max(nowMs, next.due);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      nowMs = end;
    },
  };
}

function world(limit?: RateLimit, answer: (sent: number) => Response = () => new Response("{}")) {
  const clock = manualClock();
  const sent: string[] = [];
  const state = { urgent: false };
  const budget = createCallBudget({
    clock,
    limit,
    isUrgent: () => state.urgent,
    async fetch(request) {
      sent.push(`${clock.now()} ${request.method} ${new URL(request.url).pathname}`);
      return answer(sent.length);
    },
  });
  const call = (path: string, init: RequestInit = {}) => budget.fetch(new Request(`http://cloud.test/${path}`, init));
  return { clock, sent, budget, call, state };
}

const isRateLimited = (retryAfterMs: number) => (error: unknown) => {
  assert.ok(isProviderError(error, "RateLimited"));
  assert.equal(error.retryAfterMs, retryAfterMs);
  return true;
};

test("calls beyond the burst wait for their turn; deletions go first", async () => {
  const { clock, sent, call, state, budget } = world({ burst: 2, perSecond: 1 });
  const calls = ["a", "b", "c", "d"].map((path) => call(path));
  calls.push(call("e", { method: "DELETE" }));
  state.urgent = true;
  calls.push(call("f", { method: "POST" }));
  assert.equal(budget.state.waiting, 4);
  await clock.advance(4_000);
  await Promise.all(calls);
  assert.deepEqual(sent, ["0 GET /a", "0 GET /b", "1000 DELETE /e", "2000 POST /f", "3000 GET /c", "4000 GET /d"]);
});

test("a call that would wait too long is refused unsent, and told when to come back", async () => {
  const { sent, call, clock } = world({ burst: 1, perSecond: 0.1 });
  await call("a");
  await assert.rejects(call("b"), isRateLimited(10_000));
  await clock.advance(5_000);
  const waiting = call("c");
  await assert.rejects(call("d"), isRateLimited(15_000));
  await clock.advance(5_000);
  await waiting;
  assert.deepEqual(sent, ["0 GET /a", "10000 GET /c"]);
});

test("an abort while it waits sends nothing and lets the next one pass", async () => {
  const { clock, sent, call } = world({ burst: 1, perSecond: 1 });
  await call("a");
  const controller = new AbortController();
  const stopped = assert.rejects(call("b", { signal: controller.signal }), /stop/);
  const next = call("c");
  controller.abort(new Error("stop"));
  await stopped;
  await clock.advance(1_000);
  await next;
  assert.deepEqual(sent, ["0 GET /a", "1000 GET /c"]);
});

test("after a refusal nobody asks until Retry-After has passed, or a back-off that doubles where none is given", async () => {
  const answers = [
    new Response("", { status: 429, headers: { "retry-after": "3" } }),
    new Response("", { status: 429 }),
    new Response("", { status: 429 }),
  ];
  const { clock, sent, call, budget } = world(undefined, () => answers.shift() ?? new Response("{}"));
  assert.equal((await call("a")).status, 429);
  assert.equal(budget.state.pausedMs, 3_000);
  const calls = [call("b", { method: "DELETE" }), call("c")];
  await clock.advance(10_000);
  await Promise.all(calls);
  assert.deepEqual(sent, ["0 GET /a", "3000 DELETE /b", "3000 GET /c"]);
  assert.equal(budget.state.pausedMs, 0);
  answers.push(new Response("", { status: 429, headers: { "retry-after": "60" } }));
  await call("d");
  await assert.rejects(call("e"), isRateLimited(60_000));
});

test("the limit is learnt from the answers, others' calls included", async () => {
  const headers = { "ratelimit-limit": "100", "ratelimit-remaining": "1", "ratelimit-reset": "99" };
  const { clock, sent, call, budget } = world(undefined, (n) => new Response("{}", n === 1 ? { headers } : {}));
  assert.equal(budget.state.left, Infinity);
  await call("a");
  assert.equal(budget.state.left, 1);
  const calls = [call("b"), call("c")];
  await clock.advance(1_000);
  await Promise.all(calls);
  assert.deepEqual(sent, ["0 GET /a", "0 GET /b", "1000 GET /c"]);
});

test("a cloud that does not answer gives its places back when its calls end", async () => {
  const clock = manualClock();
  const budget = createCallBudget({ clock, fetch: () => Promise.reject(new TypeError("fetch failed")) });
  await assert.rejects(budget.fetch(new Request("http://cloud.test/")), /fetch failed/);
  assert.deepEqual(budget.state, { left: Infinity, waiting: 0, pausedMs: 0 });
});

test("rate limit headers are read in their several forms, and what makes no sense is left out", () => {
  const now = 2_000_000_000_000;
  const read = (headers: Record<string, string>) => readRateLimit(new Headers(headers), now);
  const unix = String(now / 1_000 + 600);
  assert.deepEqual(read({ "ratelimit-limit": "3600", "ratelimit-remaining": "3000", "ratelimit-reset": unix }), {
    limit: { burst: 3_600, perSecond: 1 },
    remaining: 3_000,
    retryAfterMs: undefined,
  });
  assert.deepEqual(
    read({ "x-ratelimit-limit": "100, 100;w=60", "x-ratelimit-remaining": "40", "x-ratelimit-reset": "30" }).limit,
    { burst: 100, perSecond: 2 },
  );
  for (const headers of [
    {},
    { "ratelimit-limit": "many", "ratelimit-remaining": "1", "ratelimit-reset": "1" },
    { "ratelimit-limit": "10", "ratelimit-remaining": "10", "ratelimit-reset": "0" },
    { "ratelimit-limit": "10", "ratelimit-remaining": "5", "ratelimit-reset": String(now / 1_000 - 1) },
    { "ratelimit-limit": "0", "ratelimit-remaining": "0", "ratelimit-reset": "5" },
  ]) {
    assert.equal(read(headers as Record<string, string>).limit, undefined);
  }
});

test("Retry-After is seconds or a date", () => {
  const after = (value?: string) =>
    retryAfterMs(new Headers(value === undefined ? {} : { "retry-after": value }), 1_000);
  assert.equal(after("7"), 7_000);
  assert.equal(after("Thu, 01 Jan 1970 00:00:05 GMT"), 4_000);
  assert.equal(after("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  assert.equal(after("soon"), undefined);
  assert.equal(after(), undefined);
});
