import { type Event, type KubeObject, coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "./clock.ts";
import { type EventRecorder, createEventRecorder } from "./event-recorder.ts";
import { type FakeApi, createFakeApi, refuse } from "./testing/fake-api.ts";

const { signal } = new AbortController();
const object: KubeObject = {
  apiVersion: "example.com/v1",
  kind: "Thing",
  metadata: { name: "t", namespace: "ns", uid: "u1", resourceVersion: "9" },
};
const created = { type: "Normal", reason: "Created", message: "it is there" } as const;

type World = { clock: ReturnType<typeof createManualClock>; api: FakeApi; recorder: EventRecorder; errors: unknown[] };

function createWorld(): World {
  const clock = createManualClock(Date.UTC(2030, 0, 1));
  const api = createFakeApi(clock);
  const errors: unknown[] = [];
  let seed = 0;
  const random = (): number => ((seed += 1) % 1000) / 1000;
  const onError = (error: unknown): number => errors.push(error);
  return {
    clock,
    api,
    errors,
    recorder: createEventRecorder({ client: api.client, component: "tester", clock, random, onError }),
  };
}

async function eventsOf(api: FakeApi, namespace = "ns"): Promise<Event[]> {
  return (await api.client.list(coreResources.events, { namespace, signal })).items;
}

test("an event is a v1 Event about the object, in its namespace, or in default for cluster-scoped ones", async () => {
  const { api, recorder } = createWorld();
  recorder.event(object, { ...created, action: "Create" });
  recorder.event({ apiVersion: "v1", kind: "Node", metadata: { name: "n", uid: "u2" } }, created);
  await recorder.flush({ signal });
  const [event] = await eventsOf(api);
  assert.match(event?.metadata.name ?? "", /^t\.[0-9a-f]{16}$/);
  const { metadata: _, ...rest } = event ?? {};
  assert.deepEqual(rest, {
    apiVersion: "v1",
    kind: "Event",
    involvedObject: {
      apiVersion: "example.com/v1",
      kind: "Thing",
      name: "t",
      namespace: "ns",
      uid: "u1",
      resourceVersion: "9",
    },
    type: "Normal",
    reason: "Created",
    message: "it is there",
    action: "Create",
    source: { component: "tester" },
    reportingComponent: "tester",
    reportingInstance: "tester",
    firstTimestamp: "2030-01-01T00:00:00Z",
    lastTimestamp: "2030-01-01T00:00:00Z",
    count: 1,
  });
  assert.equal((await eventsOf(api, "default")).length, 1);
});

test("repetitions raise the count of one event, waiting or written", async () => {
  const { api, clock, recorder } = createWorld();
  for (let times = 0; times < 3; times += 1) recorder.event(object, created);
  await recorder.flush({ signal });
  await clock.advance(5_000);
  recorder.event(object, created);
  recorder.event(object, { ...created, message: "something else" });
  await recorder.flush({ signal });
  const events = await eventsOf(api);
  assert.deepEqual(
    events.map(({ count }) => count),
    [4, 1],
  );
  assert.equal(events[0]?.lastTimestamp, "2030-01-01T00:00:05Z");
  assert.equal(events[0]?.firstTimestamp, "2030-01-01T00:00:00Z");
});

test("a repetition whose event has expired on the server is a new event", async () => {
  const { api, recorder } = createWorld();
  recorder.event(object, created);
  await recorder.flush({ signal });
  const [first] = await eventsOf(api);
  api.remove(`/api/v1/namespaces/ns/events/${first?.metadata.name}`);
  recorder.event(object, created);
  await recorder.flush({ signal });
  const [second] = await eventsOf(api);
  assert.equal(second?.count, 1);
});

test("one object that floods is cut, others are heard, and the budget grows back", async () => {
  const { api, clock, recorder } = createWorld();
  const flood = (): void => {
    for (let n = 0; n < 100; n += 1) recorder.event(object, { ...created, message: `message ${n} at ${clock.now()}` });
  };
  flood();
  recorder.event({ ...object, metadata: { name: "other", namespace: "ns", uid: "u2" } }, created);
  await recorder.flush({ signal });
  assert.equal((await eventsOf(api)).length, 26);
  assert.equal(recorder.lost, 75);
  await clock.advance(600_000);
  flood();
  await recorder.flush({ signal });
  assert.equal((await eventsOf(api)).length, 28);
});

test("of many objects that all is well with some are told of, of troubles all, and the budget grows back", async () => {
  const { api, clock, recorder } = createWorld();
  const about = (n: number): KubeObject => ({
    ...object,
    metadata: { name: `t-${n}`, namespace: "ns", uid: `u-${n}` },
  });
  for (let n = 0; n < 300; n += 1) {
    recorder.event(about(n), created);
    recorder.event(about(n), { ...created, type: "Warning" });
  }
  await recorder.flush({ signal });
  const told = Map.groupBy(await eventsOf(api), ({ type }) => type);
  assert.deepEqual([told.get("Normal")?.length, told.get("Warning")?.length], [100, 300]);
  await clock.advance(1_000);
  for (let n = 300; n < 400; n += 1) recorder.event(about(n), created);
  await recorder.flush({ signal });
  assert.equal((await eventsOf(api)).length, 402);
});

test("passing failures are retried, lasting ones told, and no caller ever sees them", async () => {
  const { api, clock, recorder, errors } = createWorld();
  let failures = 2;
  api.intercept = () => (failures-- > 0 ? refuse(503, "ServiceUnavailable") : undefined);
  recorder.event(object, created);
  await clock.advance(10_000);
  assert.equal((await eventsOf(api)).length, 1);
  api.intercept = (request) => (request.startsWith("POST") ? refuse(403, "Forbidden") : undefined);
  recorder.event(object, { ...created, message: "other" });
  await recorder.flush({ signal });
  assert.equal(errors.length, 1);
  assert.equal(recorder.lost, 1);
});

test("a write whose answer was lost does not make a second event", async () => {
  const { api, clock, recorder } = createWorld();
  let lost = 1;
  api.intercept = async (_request, proceed) => {
    const answer = await proceed();
    return lost-- > 0 ? new Error("the answer was lost") : answer;
  };
  recorder.event(object, created);
  await clock.advance(10_000);
  recorder.event(object, created);
  await recorder.flush({ signal });
  assert.deepEqual(
    (await eventsOf(api)).map(({ count }) => count),
    [2],
  );
});

test("several are written at once, and of one kind one after the other", async () => {
  const { api, clock, recorder } = createWorld();
  let running = 0;
  let most = 0;
  api.intercept = async (_request, proceed) => {
    running += 1;
    most = Math.max(most, running);
    await clock.sleep(100, { signal });
    running -= 1;
    return proceed();
  };
  for (let index = 0; index < 8; index += 1) recorder.event(object, { ...created, message: `${index}` });
  for (let index = 0; index < 3; index += 1) recorder.event(object, { ...created, message: "0" });
  const flushed = recorder.flush({ signal });
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(100);
  await flushed;
  api.intercept = () => undefined;
  const counts = (await eventsOf(api)).map(({ message, count }) => `${message}×${count}`);
  assert.deepEqual(counts.toSorted(), ["0×4", ...[1, 2, 3, 4, 5, 6, 7].map((index) => `${index}×1`)]);
  assert.equal(most, 4);
});

test("close writes what waits, but not for ever, and takes nothing more", async () => {
  const { api, recorder } = createWorld();
  recorder.event(object, created);
  await recorder.close();
  assert.equal((await eventsOf(api)).length, 1);
  recorder.event(object, created);
  assert.equal(recorder.lost, 1);

  const stuck = createWorld();
  stuck.api.intercept = () => new Promise(() => {});
  stuck.recorder.event(object, created);
  const closing = stuck.recorder.close({ timeoutMs: 3000 });
  await stuck.clock.advance(3000);
  await closing;
  assert.equal(stuck.recorder.lost, 1);
});
