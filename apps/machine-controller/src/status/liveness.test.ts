import assert from "node:assert/strict";
import { test } from "node:test";
import { createController, createManualClock } from "@machine-controller/kube-runtime";
import { answerHealth } from "./health-checks.ts";
import { createLiveness } from "./liveness.ts";

const MINUTE_MS = 60_000;

test("a reconcile that nothing ends makes the process unhealthy", async () => {
  const clock = createManualClock();
  const liveness = createLiveness({ clock });
  const stop = new AbortController();
  const stuck = Promise.withResolvers<void>();
  const controller = createController({ name: "machine", concurrency: 1, clock, reconcile: () => stuck.promise });
  liveness.watch([controller]);
  const running = controller.run(stop.signal);
  controller.enqueue("a");
  await clock.advance(14 * MINUTE_MS);
  const get = () => answerHealth({ readyz: liveness.checks }, "/readyz");
  assert.equal((await get()).status, 200);
  await clock.advance(2 * MINUTE_MS);
  assert.match((await get()).text, /\[-\]alive failed: a reconcile of machine has been under way for 16 minutes/);
  stuck.resolve();
  await clock.advance(0);
  assert.equal((await get()).status, 200);
  stop.abort();
  await running;
});

test("a queue that nobody works on makes the process unhealthy", async () => {
  const clock = createManualClock();
  const liveness = createLiveness({ clock });
  const controller = createController({ name: "machine", concurrency: 1, clock, reconcile: async () => {} });
  liveness.watch([controller]);
  controller.enqueue("a");
  await clock.advance(6 * MINUTE_MS);
  assert.match((await answerHealth({ livez: liveness.checks }, "/livez")).text, /nobody has taken a ready key/);
});

test("a leader whose lease ran out without its knowing is unhealthy, one that gave it up is not", async () => {
  const clock = createManualClock();
  const liveness = createLiveness({ clock });
  const get = async () => (await answerHealth({ livez: liveness.checks }, "/livez/leader-election")).status;
  assert.equal(await get(), 200);
  liveness.held();
  await clock.advance(30_000);
  assert.equal(await get(), 200);
  await clock.advance(10_000);
  assert.equal(await get(), 500);
  liveness.released();
  assert.equal(await get(), 200);
});
