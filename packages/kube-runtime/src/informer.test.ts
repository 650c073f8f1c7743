import { type Node, coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { type TestContext, describe, test } from "node:test";
import { createManualClock } from "./clock.ts";
import { type Informer, createInformer } from "./informer.ts";
import { type FakeApi, createFakeApi, refuse } from "./testing/fake-api.ts";

const NODES = "/api/v1/nodes";

type World = {
  api: FakeApi;
  clock: ReturnType<typeof createManualClock>;
  informer: Informer<Node>;
  /** `type name` of every change. */
  changes: string[];
  errors: unknown[];
  start: () => Promise<void>;
};

function createWorld(t: TestContext, options: { transform?: (node: Node) => Node } = {}): World {
  const clock = createManualClock(1_000_000);
  const api = createFakeApi(clock);
  const changes: string[] = [];
  const errors: unknown[] = [];
  const informer = createInformer({
    client: api.client,
    resource: coreResources.nodes,
    indexes: { providerID: ({ spec }) => (spec?.providerID === undefined ? [] : [spec.providerID]) },
    clock,
    onError: (error) => errors.push(error),
    ...options,
  });
  informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  const controller = new AbortController();
  let running: Promise<void> | undefined;
  t.after(async () => {
    controller.abort(new Error("test over"));
    await running;
  });
  const start = async (): Promise<void> => {
    running = informer.run(controller.signal);
    await clock.advance(0);
  };
  return { api, clock, informer, changes, errors, start };
}

function node(providerID?: string): object {
  return { apiVersion: "v1", kind: "Node", metadata: {}, spec: { ...(providerID !== undefined && { providerID }) } };
}

test("it lists, then follows every change, with indexes", async (t) => {
  const { api, clock, informer, changes, start } = createWorld(t);
  api.put(`${NODES}/a`, node("p://1"));
  await start();
  await informer.synced;
  api.put(`${NODES}/b`, node("p://2"));
  api.put(`${NODES}/a`, node("p://3"));
  await clock.advance(0);
  assert.equal(informer.store.byIndex("providerID", "p://1").length, 0);
  assert.equal(informer.store.byIndex("providerID", "p://3")[0]?.metadata.name, "a");
  api.remove(`${NODES}/b`);
  await clock.advance(0);
  assert.deepEqual(changes, ["added a", "added b", "updated a", "deleted b"]);
  assert.equal(informer.store.size, 1);
  assert.deepEqual(api.requests, [`LIST ${NODES}`, `WATCH ${NODES}`]);
});

test("a watch that ends is resumed where it was, without a list and without repeating events", async (t) => {
  const { api, clock, changes, start } = createWorld(t);
  api.put(`${NODES}/a`, node());
  await start();
  await clock.advance(60_000);
  api.put(`${NODES}/b`, node());
  await clock.advance(0);
  api.endWatches();
  api.put(`${NODES}/c`, node());
  await clock.advance(5_000);
  assert.deepEqual(changes, ["added a", "added b", "added c"]);
  assert.deepEqual(api.requests, [`LIST ${NODES}`, `WATCH ${NODES}`, `WATCH ${NODES}`]);
});

test("a position too old leads to a new list, of which only the differences are told", async (t) => {
  const { api, clock, changes, errors, start } = createWorld(t);
  for (const name of ["same", "changed", "gone", "reborn"]) api.put(`${NODES}/${name}`, node());
  await start();
  changes.length = 0;
  api.endWatches();
  api.put(`${NODES}/changed`, node("p://1"));
  api.remove(`${NODES}/gone`);
  api.remove(`${NODES}/reborn`);
  api.put(`${NODES}/reborn`, node());
  api.put(`${NODES}/new`, node());
  api.endWatches({ compact: true });
  await clock.advance(5_000);
  assert.deepEqual(changes.sort(), ["added new", "added reborn", "deleted gone", "deleted reborn", "updated changed"]);
  assert.deepEqual(errors, [], "an expired position is no failure");
});

test("failures are retried with a growing pause and told", async (t) => {
  const { api, clock, informer, errors, start } = createWorld(t);
  api.intercept = (request) => (request.startsWith("LIST") ? refuse(403, "Forbidden") : undefined);
  await start();
  await clock.advance(60_000);
  assert.ok(errors.length >= 5 && errors.length <= 9, `${errors.length} attempts in a minute`);
  assert.equal(informer.isFresh(1e9), false);
  api.intercept = () => undefined;
  await clock.advance(30_000);
  await informer.synced;
});

test("the server's wish to wait is honoured", async (t) => {
  const { api, clock, start } = createWorld(t);
  const headers = { "retry-after": "120" };
  api.intercept = () => new Response("", { status: 429, headers });
  await start();
  await clock.advance(119_000);
  assert.equal(api.requests.length, 1);
  await clock.advance(2_000);
  assert.equal(api.requests.length, 2);
});

test("watches that end as soon as they begin do not make the loop spin", async (t) => {
  const { api, clock, start } = createWorld(t);
  api.intercept = (request) => (request.startsWith("WATCH") ? new Response("") : undefined);
  await start();
  await clock.advance(60_000);
  assert.ok(api.requests.length < 12, `${api.requests.length} requests in a minute`);
});

test("a handler registered late is told what is there; one that throws disturbs nobody", async (t) => {
  const { api, clock, informer, errors, start } = createWorld(t);
  api.put(`${NODES}/a`, node());
  await start();
  const late: string[] = [];
  informer.onChange(() => {
    throw new Error("handler");
  });
  const leave = informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
  api.put(`${NODES}/b`, node());
  await clock.advance(0);
  leave();
  api.put(`${NODES}/c`, node());
  await clock.advance(0);
  assert.deepEqual(late, ["added a", "added b"]);
  assert.equal(errors.length, 3);
});

test("freshness is the time since the server last said anything", async (t) => {
  const { api, clock, informer, start } = createWorld(t);
  await start();
  await clock.advance(90_000);
  assert.equal(informer.isFresh(60_000), false);
  api.put(`${NODES}/a`, node());
  await clock.advance(0);
  assert.equal(informer.isFresh(60_000), true);
});

test("what ends before the first list never counts as synced", async () => {
  const clock = createManualClock();
  const api = createFakeApi(clock);
  const informer = createInformer({ client: api.client, resource: coreResources.nodes, clock });
  const reason = new Error("stop");
  await informer.run(AbortSignal.abort(reason));
  await assert.rejects(informer.synced, reason);
});

describe("observe", () => {
  const labelled = (object: Node, resourceVersion: number): Node => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(resourceVersion), labels: { mine: "yes" } },
  });

  test("an own write is read back at once, and its event is not told again", async (t) => {
    const { api, clock, informer, changes, start } = createWorld(t);
    api.put(`${NODES}/a`, node());
    await start();
    const written = api.put(`${NODES}/a`, node("p://1"));
    informer.observe(written);
    assert.equal(informer.store.byIndex("providerID", "p://1").length, 1);
    await clock.advance(0);
    assert.deepEqual(changes, ["added a", "updated a"]);
  });

  test("an event overtaken by an own write does not turn the object back", async (t) => {
    const { api, clock, informer, changes, start } = createWorld(t);
    api.put(`${NODES}/a`, node());
    await start();
    api.put(`${NODES}/a`, node("p://old"));
    const newest = api.put(`${NODES}/a`, node("p://new"));
    informer.observe(newest);
    await clock.advance(0);
    assert.equal(informer.store.get(undefined, "a")?.spec?.providerID, "p://new");
    assert.deepEqual(changes, ["added a", "updated a"]);
  });

  test("it neither adds nor brings back: unknown, deleted and recreated objects stay as the server said", async (t) => {
    const { api, clock, informer, start } = createWorld(t);
    const first = api.put(`${NODES}/a`, node()) as Node;
    informer.observe(first);
    assert.equal(informer.store.size, 0);
    await start();
    api.remove(`${NODES}/a`);
    await clock.advance(0);
    informer.observe(labelled(first, 9999));
    assert.equal(informer.store.size, 0);
    api.put(`${NODES}/a`, node());
    await clock.advance(0);
    informer.observe(labelled(first, 9999));
    assert.equal(informer.store.get(undefined, "a")?.metadata.labels, undefined);
  });

  test("an older or incomparable version is not taken", async (t) => {
    const { api, informer, start } = createWorld(t);
    const stored = api.put(`${NODES}/a`, node()) as Node;
    await start();
    informer.observe(labelled(stored, 1));
    const { uid = "", name = "" } = stored.metadata;
    informer.observe({ ...stored, metadata: { uid, name, resourceVersion: "x99", labels: { mine: "yes" } } });
    assert.equal(informer.store.get(undefined, "a")?.metadata.labels, undefined);
  });

  test("a list begun before the write does not undo it", async (t) => {
    const { api, clock, informer, start } = createWorld(t);
    api.put(`${NODES}/a`, node());
    await start();
    const old = api.get(`${NODES}/a`);
    const newest = api.put(`${NODES}/a`, node("p://new"));
    const stale = { items: [old], metadata: { resourceVersion: old?.metadata.resourceVersion } };
    api.intercept = (request) => (request.startsWith("LIST") ? Response.json(stale) : undefined);
    informer.observe(newest);
    api.endWatches({ compact: true });
    await clock.advance(2_000);
    assert.ok(api.requests.filter((request) => request.startsWith("LIST")).length > 1);
    assert.equal(informer.store.get(undefined, "a")?.spec?.providerID, "p://new");
  });

  test("an own write passes the transform", async (t) => {
    const transform = (object: Node): Node => ({ ...object, spec: {} });
    const { api, informer, start } = createWorld(t, { transform });
    api.put(`${NODES}/a`, node());
    await start();
    informer.observe(api.put(`${NODES}/a`, node("p://1")));
    assert.deepEqual(informer.store.get(undefined, "a")?.spec, {});
  });
});
