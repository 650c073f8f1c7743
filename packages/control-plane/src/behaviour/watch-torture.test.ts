import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../object.ts";
import { createWorld, openWatch } from "./test-world.ts";
import type { World } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const OBJECTS = 12;
const WRITES = 60;

/** Follows the server by list and watch, leaving and coming back after every `patience` events. */
async function follow(
  world: World,
  options: { selector: string; patience: number; done: (state: Map<string, string>) => boolean },
) {
  const query = options.selector === "" ? "" : `&labelSelector=${encodeURIComponent(options.selector)}`;
  const listed = await world.call("GET", `${MAPS}?${query}`);
  const state = new Map(
    (listed.body["items"] as KubeObject[]).map((item) => [item.metadata.name, item.metadata.resourceVersion]),
  );
  const latest = new Map<string, number>();
  let version = listed.body.metadata.resourceVersion;
  while (!options.done(state)) {
    const watch = await openWatch(world, `${MAPS}?watch=1&allowWatchBookmarks=true&resourceVersion=${version}${query}`);
    for (let seen = 0; seen < options.patience && !options.done(state); seen += 1) {
      const event = await watch.next();
      assert.ok(event);
      const { name, resourceVersion } = event.object.metadata;
      assert.ok(Number(resourceVersion) > (latest.get(name) ?? 0), "versions of an object rise");
      assert.equal(state.has(name), event.type !== "ADDED", `${event.type} ${name} fits what was known`);
      latest.set(name, Number(resourceVersion));
      version = resourceVersion;
      if (event.type === "DELETED") state.delete(name);
      else state.set(name, resourceVersion);
    }
    await watch.cancel();
  }
  return state;
}

test("watchers that come and go end with exactly the server's state", async (t) => {
  const world = await createWorld(t);
  const last = async (): Promise<void> => {
    const metadata = { name: "the-end", labels: { even: "true" } };
    await world.call("POST", MAPS, { body: { apiVersion: "v1", kind: "ConfigMap", metadata } });
  };
  const write = async (writer: number): Promise<void> => {
    for (let turn = 0; turn < WRITES; turn += 1) {
      const name = `m${(writer * 7 + turn * 5) % OBJECTS}`;
      const labels = { even: String((writer + turn) % 2 === 0) };
      const created = await world.call("POST", MAPS, {
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels } },
      });
      if (created.code !== 409) continue;
      if (turn % 3 === 0) await world.call("DELETE", `${MAPS}/${name}`);
      else
        await world.call("PATCH", `${MAPS}/${name}`, {
          type: "application/merge-patch+json",
          body: { metadata: { labels }, data: { turn: String(turn) } },
        });
    }
  };
  const done = (state: Map<string, string>): boolean => state.has("the-end");
  const watchers = ["", "even=true"].flatMap((selector) =>
    [1, 3, 20].map((patience) => follow(world, { selector, patience, done })),
  );
  await Promise.all([0, 1, 2, 3].map(write));
  await last();
  const states = await Promise.all(watchers);
  for (const [index, selector] of ["", "", "", "even=true", "even=true", "even=true"].entries()) {
    const { body } = await world.call("GET", `${MAPS}?labelSelector=${encodeURIComponent(selector)}`);
    const expected = (body["items"] as KubeObject[]).map((item) => [item.metadata.name, item.metadata.resourceVersion]);
    assert.deepEqual(
      [...(states[index] ?? [])].sort(([a], [b]) => a.localeCompare(b)),
      expected.sort(([a = ""], [b = ""]) => a.localeCompare(b)),
    );
  }
});
