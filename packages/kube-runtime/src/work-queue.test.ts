import * as fc from "fast-check";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createManualClock } from "./clock.ts";
import { createWorkQueue } from "./work-queue.ts";

const { signal } = new AbortController();

test("keys come once, first in first out, higher priority first", async () => {
  const queue = createWorkQueue({ clock: createManualClock() });
  queue.add("a");
  queue.add("b");
  queue.add("a");
  queue.add("low", { priority: -1 });
  queue.add("late", { priority: 5 });
  queue.add("low", { priority: 9 });
  assert.equal(queue.size, 4);
  const order = [];
  while (queue.size > 0) order.push(await queue.next({ signal }));
  assert.deepEqual(order, ["low", "late", "a", "b"]);
});

test("a key added while it is processed waits until it is done, and then has one more turn", async () => {
  const queue = createWorkQueue({ clock: createManualClock() });
  queue.add("a");
  await queue.next({ signal });
  queue.add("a");
  queue.add("a");
  assert.equal(queue.size, 0);
  queue.done("a");
  assert.equal(await queue.next({ signal }), "a");
  queue.done("a");
  assert.equal(queue.size, 0);
});

test("of several delays for a key the earliest counts, once", async () => {
  const clock = createManualClock();
  const queue = createWorkQueue({ clock });
  queue.addAfter("a", 300);
  queue.addAfter("a", 100);
  queue.addAfter("a", 200);
  await clock.advance(99);
  assert.equal(queue.size, 0);
  await clock.advance(1);
  assert.equal(await queue.next({ signal }), "a");
  queue.done("a");
  await clock.advance(1000);
  assert.equal(queue.size, 0);
});

test("turns of one key keep their pace, and what is added in between is one more turn", async () => {
  const clock = createManualClock();
  const queue = createWorkQueue({ clock, paceMs: 100 });
  const turns: [string, number][] = [];
  const working = (async () => {
    while (turns.length < 4) {
      const key = await queue.next({ signal });
      turns.push([key, clock.now()]);
      queue.done(key);
    }
  })();
  const start = clock.now();
  queue.add("a");
  await clock.advance(30);
  queue.add("a");
  queue.add("a");
  queue.add("b");
  await clock.advance(200);
  assert.equal(turns.length, 3, "nothing was added since");
  queue.add("a");
  await clock.advance(0);
  await working;
  const since = turns.map(([key, at]) => `${key} ${at - start}`);
  assert.deepEqual(since, ["a 0", "b 30", "a 100", "a 230"]);
});

test("each key may have a pace of its own", async () => {
  const clock = createManualClock();
  const queue = createWorkQueue({ clock, paceMs: (key) => (key === "large" ? 1_000 : 100) });
  for (const key of ["large", "small"]) {
    queue.add(key);
    queue.done(await queue.next({ signal }));
    queue.add(key);
  }
  await clock.advance(100);
  assert.equal(queue.size, 1);
  queue.done(await queue.next({ signal }));
  queue.add("small");
  await clock.advance(899);
  assert.equal(await queue.next({ signal }), "small");
  assert.equal(queue.size, 0);
  await clock.advance(1);
  assert.equal(await queue.next({ signal }), "large");
});

test("a clock that is set back holds up no key", async () => {
  const clock = createManualClock(1_000_000);
  const queue = createWorkQueue({ clock: { ...clock, now: () => clock.now() - setBackMs }, paceMs: 100 });
  let setBackMs = 0;
  queue.add("a");
  queue.done(await queue.next({ signal }));
  setBackMs = 500_000;
  queue.add("a");
  assert.equal(await queue.next({ signal }), "a");
});

test("a waiting worker is woken by a delay, also by one that comes before those it knew", async () => {
  const clock = createManualClock();
  const queue = createWorkQueue({ clock });
  queue.addAfter("late", 1000);
  const woken: [string, number][] = [];
  const worker = async (): Promise<void> => {
    while (woken.length < 2) woken.push([await queue.next({ signal }), clock.now()]);
  };
  const working = worker();
  queue.addAfter("early", 10);
  await clock.advance(2000);
  await working;
  assert.deepEqual(woken, [
    ["early", 10],
    ["late", 1000],
  ]);
});

test("back-off doubles up to its maximum, is counted by key, and ends with forget", () => {
  const queue = createWorkQueue({ clock: createManualClock(), backoff: { baseMs: 5, maxMs: 30 } });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => queue.retry("a")),
    [5, 10, 20, 30],
  );
  assert.equal(queue.retry("b"), 5);
  assert.equal(queue.retry("b", { minMs: 500 }), 500);
  queue.forget("a");
  assert.equal(queue.retry("a"), 5);
});

test("groups of equal priority take turns, and one without a place waits without holding up others", async () => {
  const queue = createWorkQueue({
    clock: createManualClock(),
    groupOf: (key) => key.charAt(0),
    placesPerGroup: 2,
  });
  for (const key of ["a1", "a2", "a3", "a4", "b1", "b2"]) queue.add(key);
  queue.add("a5", { priority: 1 });
  const taken = [];
  for (let n = 0; n < 4; n += 1) taken.push(await queue.next({ signal }));
  assert.deepEqual(taken, ["a5", "b1", "a1", "b2"]);
  const next = queue.next({ signal });
  queue.add("b3");
  queue.done("b1");
  assert.equal(await next, "b3");
  queue.done("a1");
  assert.equal(await queue.next({ signal }), "a2");
});

test("a key that leaves its place lets one other in, and is nobody else's until it is done", async () => {
  const queue = createWorkQueue({ clock: createManualClock(), placesPerGroup: 1 });
  for (const key of ["a", "b", "c"]) queue.add(key);
  assert.equal(await queue.next({ signal }), "a");
  queue.leavePlace("a");
  queue.leavePlace("a");
  assert.equal(await queue.next({ signal }), "b");
  queue.add("a");
  queue.done("a");
  assert.equal(queue.size, 2, "b holds the only place");
  queue.done("b");
  assert.equal(await queue.next({ signal }), "c");
});

test("metrics tell how long keys wait and are worked on, and how often they came and came back", async () => {
  const clock = createManualClock();
  const queue = createWorkQueue({ clock });
  queue.add("a");
  queue.add("b");
  queue.add("a");
  await clock.advance(100);
  assert.equal(await queue.next({ signal }), "a");
  assert.equal(queue.waitedMs("a"), 100);
  await clock.advance(20);
  queue.retry("c");
  queue.add("a");
  assert.deepEqual(queue.metrics, {
    ready: 1,
    delayed: 1,
    processing: 1,
    failing: 1,
    added: 2,
    retried: 1,
    oldestReadyMs: 120,
    longestProcessingMs: 20,
    unfinishedMs: 20,
  });
  queue.done("a");
  assert.equal(queue.metrics.added, 3);
  assert.equal(queue.waitedMs("a"), 0);
});

describe("abort", () => {
  test("a waiting worker leaves at once and takes no key with it", async () => {
    const queue = createWorkQueue({ clock: createManualClock() });
    const controller = new AbortController();
    const reason = new Error("stop");
    const waiting = queue.next({ signal: controller.signal });
    controller.abort(reason);
    queue.add("a");
    await assert.rejects(waiting, reason);
    assert.equal(await queue.next({ signal }), "a");
  });

  test("a key handed over just before the abort still reaches its worker", async () => {
    const queue = createWorkQueue({ clock: createManualClock() });
    const controller = new AbortController();
    const waiting = queue.next({ signal: controller.signal });
    queue.add("a");
    controller.abort(new Error("stop"));
    assert.equal(await waiting, "a");
  });

  test("no timer is left behind when nobody waits", async () => {
    let sleeping = 0;
    const manual = createManualClock();
    const clock = {
      now: () => manual.now(),
      sleep: (ms: number, options: { signal: AbortSignal }) => {
        sleeping += 1;
        return manual.sleep(ms, options).finally(() => (sleeping -= 1));
      },
    };
    const queue = createWorkQueue({ clock });
    for (let key = 0; key < 100; key += 1) queue.addAfter(String(key), 1000 - key);
    assert.equal(sleeping, 0);
    const controller = new AbortController();
    const waiting = [queue.next({ signal: controller.signal }), queue.next({ signal: controller.signal })];
    assert.equal(sleeping, 1);
    controller.abort(new Error("stop"));
    await Promise.allSettled(waiting);
    await manual.advance(0);
    assert.equal(sleeping, 0);
  });
});

/** Against a model: every demand for a key made at t is answered by a turn that begins at or after t. */
test("no key is worked on twice at once and no demand is lost, whatever the order of things", async () => {
  const keys = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), key: keys, priority: fc.integer({ min: -1, max: 1 }) }),
    fc.record({ do: fc.constant("addAfter" as const), key: keys, ms: fc.nat(50) }),
    fc.record({ do: fc.constant("retry" as const), key: keys }),
    fc.record({ do: fc.constant("next" as const) }),
    fc.record({ do: fc.constant("done" as const), key: keys }),
    fc.record({ do: fc.constant("advance" as const), ms: fc.nat(60) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = createManualClock();
      const queue = createWorkQueue({ clock });
      const processing = new Set<string>();
      /** Key → the steps at which a turn was asked for and none has begun since. */
      const demanded = new Set<string>();
      const delayed = new Map<string, number>();
      const stop = new AbortController();
      const taken: Promise<void>[] = [];
      const take = async (): Promise<void> => {
        const key = await queue.next({ signal: stop.signal });
        assert.ok(!processing.has(key), `${key} twice at once`);
        processing.add(key);
        demanded.delete(key);
        const due = delayed.get(key);
        if (due !== undefined && due <= clock.now()) delayed.delete(key);
      };
      const delay = (key: string, ms: number): void => {
        if (ms === 0) demanded.add(key);
        else delayed.set(key, Math.min(clock.now() + ms, delayed.get(key) ?? Infinity));
      };
      for (const step of steps) {
        if (step.do === "add") {
          queue.add(step.key, { priority: step.priority });
          demanded.add(step.key);
        } else if (step.do === "addAfter") {
          queue.addAfter(step.key, step.ms);
          delay(step.key, step.ms);
        } else if (step.do === "retry") {
          delay(step.key, queue.retry(step.key));
        } else if (step.do === "next") {
          taken.push(take());
        } else if (step.do === "done") {
          if (processing.delete(step.key)) queue.done(step.key);
        } else {
          await clock.advance(step.ms);
        }
        await Promise.resolve();
      }
      await clock.advance(2_000_000);
      const left = new Set([...demanded, ...delayed.keys()]);
      for (let turn = 0; turn < 20; turn += 1) {
        for (const key of processing) queue.done(key);
        processing.clear();
        if (queue.size > 0) left.delete(await queue.next({ signal }).then((key) => (processing.add(key), key)));
        await clock.advance(0);
        for (const key of processing) left.delete(key);
      }
      assert.deepEqual([...left], []);
      stop.abort();
      await Promise.allSettled(taken).then((all) => {
        for (const one of all) if (one.status === "rejected") assert.equal(one.reason, stop.signal.reason);
      });
    }),
    { numRuns: 150 },
  );
});
