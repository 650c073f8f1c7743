/** Watches: which events come, in which order, from where on, and how a watch ends. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { behaviour } from "../behaviour.ts";
import { describeEvents, expectBody, expectRefusal, takeEvents } from "../expect.ts";
import { configMap, pod } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { Watch, World } from "../world.ts";

const MINE = "labelSelector=mine";
const mine = (name: string, labels = {}) => configMap(name, {}, { labels: { mine: "", ...labels } });

async function create({ call, path }: World, name: string, labels = {}): Promise<string> {
  return (await call("POST", path("configmaps"), { body: mine(name, labels) })).body.metadata.resourceVersion;
}

function open({ watch, path }: World, query: string): Promise<Watch> {
  return watch(`${path("configmaps")}?watch=true&${query}`);
}

const versionsOf = (events: { object: { metadata: { resourceVersion: string } } }[]): number[] =>
  events.map(({ object }) => Number(object.metadata.resourceVersion));

export const watchCases = behaviour("watch", {
  "a watch from a resourceVersion replays the past and follows the present": async (world) => {
    const start = await create(world, "a");
    await create(world, "b");
    const watch = await open(world, `${MINE}&resourceVersion=${start}`);
    await create(world, "c");
    await world.call("DELETE", `${world.path("configmaps")}/b`);
    const events = await takeEvents(watch, 3);
    assert.deepEqual(describeEvents(events), ["ADDED b", "ADDED c", "DELETED b"]);
    assert.deepEqual(
      versionsOf(events),
      versionsOf(events).toSorted((a, b) => a - b),
    );
  },
  "each change of one object is an event of its own, in order": async (world) => {
    const start = await create(world, "a");
    for (const n of ["1", "2", "3"])
      await world.call("PATCH", `${world.path("configmaps")}/a`, { body: { data: { n } } });
    await world.call("DELETE", `${world.path("configmaps")}/a`);
    const events = await takeEvents(await open(world, `${MINE}&resourceVersion=${start}`), 4);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["MODIFIED", "MODIFIED", "MODIFIED", "DELETED"],
    );
    assert.deepEqual(
      events.map(({ object }) => object["data"]),
      [{ n: "1" }, { n: "2" }, { n: "3" }, { n: "3" }],
    );
  },
  "a deletion's event carries the last state and a new resourceVersion": async (world) => {
    const start = await create(world, "a");
    await world.call("DELETE", `${world.path("configmaps")}/a`);
    const [event] = await takeEvents(await open(world, `${MINE}&resourceVersion=${start}`), 1);
    assert.equal(event?.type, "DELETED");
    assert.ok(Number(event?.object.metadata.resourceVersion) > Number(start));
  },
  "a deletion that waits for finalizers is a change first": async (world) => {
    const at = `${world.path("configmaps")}/a`;
    const metadata = { labels: { mine: "" }, finalizers: ["example.com/hold"] };
    const { body } = await world.call("POST", world.path("configmaps"), { body: configMap("a", {}, metadata) });
    await world.call("DELETE", at);
    await world.call("PATCH", at, { body: { metadata: { finalizers: null } } });
    const events = await takeEvents(await open(world, `${MINE}&resourceVersion=${body.metadata.resourceVersion}`), 2);
    assert.deepEqual(describeEvents(events), ["MODIFIED a", "DELETED a"]);
    assert.ok(events[0]?.object.metadata.deletionTimestamp);
  },
  "a watch without a resourceVersion begins with what is there": async (world) => {
    await create(world, "a");
    await create(world, "b");
    const watch = await open(world, MINE);
    const events = await takeEvents(watch, 2);
    assert.deepEqual(describeEvents(events).sort(), ["ADDED a", "ADDED b"]);
    await create(world, "c");
    assert.deepEqual(describeEvents(await takeEvents(watch, 1)), ["ADDED c"]);
  },
  "a watch from 0 begins with what is there": async (world) => {
    await create(world, "a");
    assert.deepEqual(describeEvents(await takeEvents(await open(world, `${MINE}&resourceVersion=0`), 1)), ["ADDED a"]);
  },
  "an object enters and leaves a label selector as ADDED and DELETED": async (world) => {
    const start = await create(world, "a", { tier: "back" });
    for (const [tier, mark] of [
      ["front", "1"],
      ["front", "2"],
      ["back", "3"],
      ["back", "4"],
      ["front", "5"],
    ]) {
      await world.call("PATCH", `${world.path("configmaps")}/a`, { body: { metadata: { labels: { tier, mark } } } });
    }
    const watch = await open(world, `labelSelector=tier%3Dfront&resourceVersion=${start}`);
    const events = await takeEvents(watch, 4);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["ADDED", "MODIFIED", "DELETED", "ADDED"],
    );
    const left = events[2]?.object.metadata;
    assert.deepEqual(left?.labels, { mine: "", tier: "front", mark: "2" });
    assert.ok(Number(left?.resourceVersion) > Number(events[1]?.object.metadata.resourceVersion));
  },
  "an object enters and leaves a field selector": async ({ call, path, watch }) => {
    const { body } = await call("POST", path("pods"), { body: pod("p") });
    const become = (phase: string) => call("PATCH", `${path("pods")}/p/status`, { body: { status: { phase } } });
    await become("Running");
    await become("Succeeded");
    const query = `fieldSelector=status.phase%3DRunning&resourceVersion=${body.metadata.resourceVersion}`;
    const opened = await watch(`${path("pods")}?watch=1&${query}`);
    assert.deepEqual(
      (await takeEvents(opened, 2)).map(({ type }) => type),
      ["ADDED", "DELETED"],
    );
  },
  "a watch of one name sees no other": async (world) => {
    const start = await create(world, "a");
    await create(world, "b");
    await world.call("PATCH", `${world.path("configmaps")}/a`, { body: { data: { x: "1" } } });
    const watch = await open(world, `fieldSelector=metadata.name%3Da&resourceVersion=${start}`);
    assert.deepEqual(describeEvents(await takeEvents(watch, 1)), ["MODIFIED a"]);
  },
  "the old path of a watch is served too": async (world) => {
    await create(world, "a");
    const watch = await world.watch(`/api/v1/watch/namespaces/${world.namespace}/configmaps?${MINE}`);
    assert.deepEqual(describeEvents(await takeEvents(watch, 1)), ["ADDED a"]);
  },
  "sendInitialEvents ends the current state with a marked bookmark": async (world) => {
    await create(world, "a");
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = await open(world, `${MINE}&${query}`);
    const added = await watch.next();
    assert.deepEqual([added?.type, added?.object.metadata.name], ["ADDED", "a"]);
    const bookmark = await watch.next();
    assert.equal(bookmark?.type, "BOOKMARK");
    assert.deepEqual(bookmark?.object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    assert.equal(bookmark?.object.kind, "ConfigMap");
    assert.ok(Number(bookmark?.object.metadata.resourceVersion) >= Number(added?.object.metadata.resourceVersion));
    await create(world, "b");
    assert.deepEqual(describeEvents(await takeEvents(watch, 1)), ["ADDED b"]);
  },
  "sendInitialEvents on nothing is a bookmark alone": async (world) => {
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = await open(world, `${MINE}&${query}`);
    assert.equal((await watch.next())?.type, "BOOKMARK");
  },
  "sendInitialEvents wants resourceVersionMatch": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("configmaps")}?watch=1&sendInitialEvents=true`), 422, {
      reason: "Invalid",
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    });
  },
  "resourceVersionMatch is not for watches otherwise": async ({ call, path }) => {
    const at = `${path("configmaps")}?watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1`;
    expectRefusal(await call("GET", at), 422, {
      reason: "Invalid",
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    });
  },
  "timeoutSeconds ends a watch": async (world) => {
    const watch = await open(world, `${MINE}&timeoutSeconds=1`);
    assert.equal(await watch.next(), undefined);
  },
  "a watch of many days does not end at once": async ({ call, path, watch }) => {
    const events = await watch(`${path("configmaps")}?watch=1&timeoutSeconds=9999999&fieldSelector=metadata.name=late`);
    await sleep(100);
    await call("POST", path("configmaps"), { body: configMap("late") });
    assert.equal((await events.next())?.type, "ADDED");
  },
  "a watch that ends carries a last bookmark for whom asks": async (world) => {
    const start = await create(world, "a");
    const watch = await open(world, `${MINE}&allowWatchBookmarks=true&timeoutSeconds=3&resourceVersion=${start}`);
    const event = await watch.next();
    assert.equal(event?.type, "BOOKMARK");
    assert.ok(Number(event?.object.metadata.resourceVersion) >= Number(start));
    assert.equal(event?.object.metadata.name, undefined);
  },
  "a watch with a bad selector is refused": async ({ call, path }) => {
    expectBody(await call("GET", `${path("configmaps")}?watch=1&labelSelector=a%3D%3D%3Db`), 400, {
      reason: "BadRequest",
    });
  },
  "a watch of custom objects sees status changes": async (world) => {
    const widgets = await installWidgets(world);
    const { body } = await world.call("POST", widgets, { body: widget(world, "a") });
    await world.call("PATCH", `${widgets}/a/status`, { body: { status: { phase: "x" } } });
    const watch = await world.watch(`${widgets}?watch=1&resourceVersion=${body.metadata.resourceVersion}`);
    const [event] = await takeEvents(watch, 1);
    assert.deepEqual([event?.type, event?.object["status"]], ["MODIFIED", { phase: "x" }]);
  },
  "a watch of metadata alone": async (world) => {
    await create(world, "a");
    const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const watch = await world.watch(`${world.path("configmaps")}?watch=1&${MINE}`, { accept });
    const [event] = await takeEvents(watch, 1);
    assert.deepEqual(
      [event?.object.kind, event?.object.apiVersion, event?.object["data"]],
      ["PartialObjectMetadata", "meta.k8s.io/v1", undefined],
    );
  },
  "a watch as tables names the columns once": async (world) => {
    await create(world, "a");
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const watch = await world.watch(`${world.path("configmaps")}?watch=1&${MINE}`, { accept });
    type Table = { columnDefinitions: unknown[] | null; rows: { cells: unknown[] }[] };
    const first = (await watch.next())?.object as unknown as Table;
    await create(world, "b");
    const second = (await watch.next())?.object as unknown as Table;
    assert.deepEqual([first.columnDefinitions?.length, second.columnDefinitions], [3, null]);
    assert.deepEqual([first.rows[0]?.cells[0], second.rows[0]?.cells[0]], ["a", "b"]);
  },
  "watchers of one object all see the same": async (world) => {
    const start = await create(world, "a");
    const watches = await Promise.all([1, 2, 3].map(() => open(world, `${MINE}&resourceVersion=${start}`)));
    for (let n = 0; n < 5; n += 1)
      await world.call("PATCH", `${world.path("configmaps")}/a`, { body: { data: { n: String(n) } } });
    const seen = await Promise.all(watches.map(async (watch) => versionsOf(await takeEvents(watch, 5))));
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
  },
});
