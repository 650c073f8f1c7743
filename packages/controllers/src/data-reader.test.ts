import { coreResources } from "@machine-controller/kube-client";
import { createManualClock } from "@machine-controller/kube-runtime";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDataReaders } from "./data-reader.ts";
import { createFakeCluster } from "./testing/fake-cluster.ts";
import { createFaults } from "./testing/faults.ts";

const { signal } = new AbortController();
const REF = { namespace: "kube-system", name: "a" };

function setUp() {
  const steady = createManualClock(1_000_000);
  let skewMs = 0;
  const clock = { now: () => steady.now() + skewMs };
  const cluster = createFakeCluster(clock);
  const faults = createFaults({ crash: () => {}, later: () => {} });
  const readers = createDataReaders(cluster.connect({ faults, alive: () => true }), clock);
  const put = (token: string): unknown =>
    cluster.put(coreResources.secrets, {
      metadata: { name: "a" },
      data: { token: Buffer.from(token).toString("base64") },
    });
  const read = async (own = signal): Promise<string | undefined> =>
    (await readers.readSecret(REF, { signal: own }))?.["token"];
  return {
    put,
    read,
    faults,
    advance: (ms: number) => steady.advance(ms),
    turnClock: (ms: number) => void (skewMs += ms),
  };
}

test("many readers at once are one request, remembered for a short while", async () => {
  const { put, read, faults, advance } = setUp();
  put("old");
  assert.deepEqual(await Promise.all([read(), read(), read()]), ["old", "old", "old"]);
  put("new");
  assert.equal(await read(), "old");
  await advance(10_000);
  assert.equal(await read(), "new");
  assert.equal(faults.calls.length, 2);
});

test("absence and failure are not remembered", async () => {
  const { put, read, faults } = setUp();
  assert.equal(await read(), undefined);
  faults.plan = () => "lost request";
  await assert.rejects(read());
  faults.plan = () => undefined;
  put("there");
  assert.equal(await read(), "there");
});

test("a reader that aborts does not take the others' answer away", async () => {
  const { put, read } = setUp();
  put("there");
  const own = new AbortController();
  const [mine, others] = [read(own.signal), read()];
  own.abort(new Error("mine alone"));
  await assert.rejects(mine, /mine alone/);
  assert.equal(await others, "there");
});

test("a clock that is set back does not keep an old value alive", async () => {
  const { put, read, turnClock } = setUp();
  put("old");
  await read();
  put("new");
  turnClock(-3_600_000);
  assert.equal(await read(), "new");
});
