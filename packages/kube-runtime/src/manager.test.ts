import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createManualClock } from "./clock.ts";
import { runManager } from "./manager.ts";

function createPart(
  log: string[],
  name: string,
): {
  name: string;
  synced: Promise<void>;
  sync: () => void;
  fail: (error: Error) => void;
  run(signal: AbortSignal): Promise<void>;
} {
  const synced = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  return {
    name,
    synced: synced.promise,
    sync: synced.resolve,
    fail: failed.reject,
    async run(signal) {
      log.push(`${name} runs`);
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      await Promise.race([aborted, failed.promise]);
      if (name === "controller") await nextTurn();
      log.push(`${name} drained`);
    },
  };
}

test("controllers start after all informers have synced, and drain before informers stop", async () => {
  const clock = createManualClock();
  const log: string[] = [];
  const [a, b, controller] = [createPart(log, "a"), createPart(log, "b"), createPart(log, "controller")];
  const abort = new AbortController();
  const running = runManager({ informers: [a, b], controllers: [controller], clock, signal: abort.signal });
  a.sync();
  await clock.advance(0);
  assert.deepEqual(log, ["a runs", "b runs"]);
  b.sync();
  await clock.advance(0);
  abort.abort(new Error("shutdown"));
  await running;
  assert.deepEqual(log, ["a runs", "b runs", "controller runs", "controller drained", "a drained", "b drained"]);
});

test("the first failure stops and drains the rest and is thrown", async () => {
  for (const culprit of ["a", "first"]) {
    const clock = createManualClock();
    const log: string[] = [];
    const parts = [createPart(log, "a"), createPart(log, "first"), createPart(log, "second")] as const;
    const [a, first, second] = parts;
    const { signal } = new AbortController();
    const running = runManager({ informers: [a], controllers: [first, second], clock, signal });
    a.sync();
    await clock.advance(0);
    const failure = new Error("boom");
    parts.find(({ name }) => name === culprit)?.fail(failure);
    await assert.rejects(running, failure);
    assert.equal(log.filter((line) => line.endsWith("drained")).length, 2);
  }
});

test("informers that do not sync in time are named", async () => {
  const clock = createManualClock();
  const log: string[] = [];
  const [a, b, controller] = [createPart(log, "a"), createPart(log, "b"), createPart(log, "controller")];
  const { signal } = new AbortController();
  const running = runManager({ informers: [a, b], controllers: [controller], clock, signal, syncTimeoutMs: 1000 });
  a.sync();
  const rejected = assert.rejects(running, /not synced in 1000 ms: b/);
  await clock.advance(1000);
  await rejected;
  assert.equal(log.includes("controller runs"), false);
});

test("an abort before the sync is no failure", async () => {
  const clock = createManualClock();
  const abort = new AbortController();
  const running = runManager({ informers: [createPart([], "a")], controllers: [], clock, signal: abort.signal });
  abort.abort(new Error("shutdown"));
  await running;
});
