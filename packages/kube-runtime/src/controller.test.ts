import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createManualClock } from "./clock.ts";
import { type Controller, type ControllerOptions, createController } from "./controller.ts";

type World = { clock: ReturnType<typeof createManualClock>; controller: Controller; stop: () => Promise<void> };

function start(
  t: TestContext,
  options: Omit<ControllerOptions, "name" | "clock" | "concurrency"> & { concurrency?: number },
): World {
  const clock = createManualClock();
  const controller = createController({ name: "test", concurrency: 1, clock, ...options });
  const abort = new AbortController();
  const running = controller.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort(new Error("test over"));
    await running;
  };
  t.after(stop);
  return { clock, controller, stop };
}

test("a failure comes back after a growing back-off, success resets it", async (t) => {
  const retries: number[] = [];
  let failing = 3;
  const { clock, controller } = start(t, {
    reconcile: async () => {
      if (failing-- > 0) throw new Error("not yet");
    },
    onError: (_key, _error, retryInMs) => retries.push(retryInMs),
  });
  controller.enqueue("a");
  await clock.advance(10_000);
  assert.deepEqual(retries, [5, 10, 20]);
  failing = 1;
  controller.enqueue("a");
  await clock.advance(10_000);
  assert.deepEqual(retries, [5, 10, 20, 5]);
});

test("the wait an error asks for is kept", async (t) => {
  const runs: number[] = [];
  const { clock, controller } = start(t, {
    reconcile: async () => {
      runs.push(clock.now());
      if (runs.length === 1) throw Object.assign(new Error("busy"), { retryAfterMs: 7000 });
    },
  });
  controller.enqueue("a");
  await clock.advance(20_000);
  assert.deepEqual(runs, [0, 7000]);
});

test("a result may ask to come back", async (t) => {
  const runs: number[] = [];
  const { clock, controller } = start(t, {
    reconcile: async () => {
      runs.push(clock.now());
      return { requeueAfterMs: 100 };
    },
  });
  controller.enqueueAfter("a", 50);
  await clock.advance(260);
  assert.deepEqual(runs, [50, 150, 250]);
});

test("as many keys at once as the concurrency allows, no key twice", async (t) => {
  let running = 0;
  let most = 0;
  const { clock, controller } = start(t, {
    concurrency: 3,
    reconcile: async (_key, { signal }) => {
      most = Math.max(most, (running += 1));
      await clock.sleep(10, { signal });
      running -= 1;
    },
  });
  for (const key of ["a", "b", "c", "d", "a", "e"]) controller.enqueue(key);
  await clock.advance(100);
  assert.equal(most, 3);
  assert.equal(running, 0);
});

test("a reconcile that takes too long is cut off and retried", async (t) => {
  const errors: unknown[] = [];
  const { clock, controller } = start(t, {
    reconcileTimeoutMs: 1000,
    reconcile: (_key, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    onError: (_key, error) => errors.push(error),
  });
  controller.enqueue("a");
  await clock.advance(1000);
  assert.equal((errors[0] as Error).name, "TimeoutError");
  assert.equal(controller.queue.metrics.failing, 1);
});

test("run ends when the running reconciles, which got the signal, have drained; what was cut short stays in the queue", async (t) => {
  const outcomes: string[] = [];
  const errors: unknown[] = [];
  const drained = Promise.withResolvers<void>();
  const { clock, controller, stop } = start(t, {
    concurrency: 2,
    reconcile: async (key, { signal }) => {
      await (key === "slow" ? drained.promise : clock.sleep(1e9, { signal }));
    },
    onError: (_key, error) => errors.push(error),
  });
  controller.wrap(async ({ key }, run) => {
    try {
      return await run();
    } finally {
      outcomes.push(key);
    }
  });
  controller.enqueue("slow");
  controller.enqueue("cut");
  await clock.advance(0);
  let isStopped = false;
  const stopping = stop().then(() => (isStopped = true));
  await clock.advance(0);
  assert.equal(isStopped, false);
  drained.resolve();
  await stopping;
  assert.deepEqual(outcomes, ["cut", "slow"]);
  assert.deepEqual(errors, []);
  assert.equal(controller.queue.size, 1);
});

test("no reconcile begins after the abort, also of a key already handed to a worker", async (t) => {
  const keys: string[] = [];
  const { clock, controller, stop } = start(t, { reconcile: async (key) => void keys.push(key) });
  await clock.advance(0);
  controller.enqueue("a");
  await stop();
  assert.deepEqual(keys, []);
  assert.equal(controller.queue.size, 1);
});

test("what hangs in one group takes no places from another", async (t) => {
  const done: string[] = [];
  const { clock, controller } = start(t, {
    concurrency: 2,
    groupOf: (key) => key.split("/")[0] ?? "",
    reconcile: async (key, { signal }) => {
      if (key.startsWith("dead/")) await clock.sleep(1e9, { signal });
      done.push(key);
    },
  });
  for (let n = 0; n < 10; n += 1) controller.enqueue(`dead/${n}`);
  for (let n = 0; n < 3; n += 1) controller.enqueue(`alive/${n}`);
  await clock.advance(0);
  assert.deepEqual(done, ["alive/0", "alive/1", "alive/2"]);
  assert.deepEqual({ ready: 8, processing: 2 }, pick(controller.queue.metrics));
});

const pick = ({ ready, processing }: { ready: number; processing: number }) => ({ ready, processing });

test("every reconcile runs inside what was wrapped around it, failures and results too", async (t) => {
  const seen: unknown[] = [];
  const { clock, controller } = start(t, {
    reconcile: async (key) => {
      seen.push(`reconcile ${key}`);
      if (key === "bad") throw new Error("no");
      return { requeueAfterMs: 1e6 };
    },
    onError: (key) => seen.push(`told of ${key}`),
  });
  for (const layer of ["inner", "outer"]) {
    controller.wrap(async ({ key, waitedMs }, run) => {
      seen.push(`${layer} ${key} ${waitedMs}`);
      const ended = await run().catch((error: unknown) => (seen.push(String(error)), Promise.reject(error)));
      seen.push(ended);
      return ended;
    });
  }
  controller.enqueue("good");
  await clock.advance(0);
  assert.deepEqual(seen.splice(0), [
    "outer good 0",
    "inner good 0",
    "reconcile good",
    { requeueAfterMs: 1e6 },
    { requeueAfterMs: 1e6 },
  ]);
  controller.enqueue("bad");
  await clock.advance(0);
  assert.deepEqual(seen, ["outer bad 0", "inner bad 0", "reconcile bad", "told of bad", "Error: no", "Error: no"]);
});
