import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../object.ts";
import { createWorld, openWatch } from "./test-world.ts";
import type { World } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

async function createMap(world: World, name: string, labels = {}): Promise<string> {
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels } };
  return (await world.call("POST", MAPS, { body })).body.metadata.resourceVersion;
}

test("a watch from a resourceVersion replays the past and follows the present", async (t) => {
  const world = await createWorld(t);
  const first = await createMap(world, "a");
  await createMap(world, "b");
  const watch = await openWatch(world, `${MAPS}?watch=true&resourceVersion=${first}`);
  await createMap(world, "c");
  await world.call("DELETE", `${MAPS}/b`);
  const seen = [await watch.next(), await watch.next(), await watch.next()];
  assert.deepEqual(
    seen.map((event) => `${event?.type} ${event?.object.metadata.name}`),
    ["ADDED b", "ADDED c", "DELETED b"],
  );
  const versions = seen.map((event) => Number(event?.object.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  );
});

test("an object enters and leaves a selector as ADDED and DELETED", async (t) => {
  const world = await createWorld(t);
  const start = await createMap(world, "a", { tier: "back" });
  const watch = await openWatch(world, `${MAPS}?watch=1&labelSelector=tier%3Dfront&resourceVersion=${start}`);
  for (const tier of ["front", "front-2", "back"]) {
    const labels = { tier: tier.slice(0, 5).replace("front", "front"), mark: tier };
    await world.call("PATCH", `${MAPS}/a`, { type: "application/merge-patch+json", body: { metadata: { labels } } });
  }
  const types = [(await watch.next())?.type, (await watch.next())?.type, (await watch.next())?.type];
  assert.deepEqual(types, ["ADDED", "MODIFIED", "DELETED"]);
});

test("sendInitialEvents ends the current state with a marked bookmark", async (t) => {
  const world = await createWorld(t);
  await createMap(world, "a");
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const watch = await openWatch(world, `${MAPS}?${query}`);
  assert.equal((await watch.next())?.type, "ADDED");
  const bookmark = await watch.next();
  assert.equal(bookmark?.type, "BOOKMARK");
  assert.equal(bookmark?.object.metadata.annotations?.["k8s.io/initial-events-end"], "true");
});

test("who lags behind the compaction is told so, on a watch and on the next page", async (t) => {
  const world = await createWorld(t, { keptRevisions: 5 });
  const start = await createMap(world, "a");
  await createMap(world, "b");
  const { continue: token } = (await world.call("GET", `${MAPS}?limit=1`)).body.metadata as unknown as {
    continue: string;
  };
  for (let index = 0; index < 12; index += 1) await createMap(world, `more-${index}`);
  const watch = await openWatch(world, `${MAPS}?watch=1&resourceVersion=${start}`);
  const event = await watch.next();
  const status = event?.object as unknown as { code: number; reason: string };
  assert.deepEqual([event?.type, status.code, status.reason], ["ERROR", 410, "Expired"]);
  assert.equal(await watch.next(), undefined);
  const page = await world.call("GET", `${MAPS}?limit=1&continue=${token}`);
  assert.deepEqual([page.code, page.body["reason"]], [410, "Expired"]);
  const { continue: later } = page.body.metadata as unknown as { continue: string };
  const rest = await world.call("GET", `${MAPS}?continue=${later}`);
  const names = (rest.body["items"] as KubeObject[]).map(({ metadata }) => metadata.name);
  assert.deepEqual([names.length, names.includes("a"), names.includes("more-11")], [13, false, true]);
});

test("a table watch names its columns once", async (t) => {
  const world = await createWorld(t);
  await createMap(world, "a");
  await createMap(world, "b");
  const watch = await openWatch(world, `${MAPS}?watch=1`, "application/json;as=Table;v=v1;g=meta.k8s.io");
  const tables = [await watch.next(), await watch.next()].map(
    (event) => event?.object as unknown as { columnDefinitions: unknown[] | null; rows: { cells: unknown[] }[] },
  );
  assert.deepEqual(
    tables.map(({ columnDefinitions }) => columnDefinitions?.length),
    [3, undefined],
  );
  assert.deepEqual(
    tables.map(({ rows }) => rows[0]?.cells[0]),
    ["a", "b"],
  );
});

test("a watch ends after timeoutSeconds and sends bookmarks meanwhile", async (t) => {
  const world = await createWorld(t);
  const start = await createMap(world, "a");
  const watch = await openWatch(
    world,
    `${MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion=${start}`,
  );
  await world.advance(60_000);
  assert.equal((await watch.next())?.type, "BOOKMARK");
  await world.advance(60_000);
  for (let event = await watch.next(); event !== undefined; event = await watch.next())
    assert.equal(event.type, "BOOKMARK");
});

test("closing the server ends its watches", async (t) => {
  const world = await createWorld(t);
  const watch = await openWatch(world, `${MAPS}?watch=1&resourceVersion=${await createMap(world, "a")}`);
  world.controlPlane.close();
  assert.equal(await watch.next(), undefined);
});

test("a client that leaves is forgotten", async (t) => {
  const world = await createWorld(t);
  const watch = await openWatch(world, `${MAPS}?watch=1&resourceVersion=${await createMap(world, "a")}`);
  watch.leave();
  await createMap(world, "b");
  assert.equal(await watch.next(), undefined);
});

test("a client may give up its request and stop reading in one go", async (t) => {
  const world = await createWorld(t);
  const leave = new AbortController();
  const { signal } = leave;
  const { body } = await world.controlPlane.handle({
    method: "GET",
    url: `https://localhost${MAPS}?watch=1`,
    headers: new Headers({ authorization: `Bearer ${world.controlPlane.adminToken}` }),
    signal,
    body: null,
  });
  const reader = body?.getReader();
  let left: Promise<void> | undefined;
  signal.addEventListener("abort", () => {
    left = reader?.cancel();
  });
  leave.abort();
  await left;
  assert.deepEqual(await reader?.read(), { done: true, value: undefined });
});

test("a resourceVersion from the future is refused with a time to retry", async (t) => {
  const world = await createWorld(t);
  const { code, body } = await world.call("GET", `${MAPS}?watch=1&resourceVersion=99999`);
  assert.equal(code, 504);
  assert.match(String(body["message"]), /^Timeout: Too large resource version: 99999, current: \d+$/);
});
