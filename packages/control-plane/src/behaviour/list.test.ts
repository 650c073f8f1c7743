import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../object.ts";
import { createWorld } from "./test-world.ts";
import type { Answer, World } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const names = ({ body }: Answer): string[] => (body["items"] as KubeObject[]).map((item) => item.metadata.name);

async function createMaps(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const metadata = { name: `m${index}`, labels: { parity: index % 2 === 0 ? "even" : "odd", index: String(index) } };
    await world.call("POST", MAPS, { body: { apiVersion: "v1", kind: "ConfigMap", metadata } });
  }
}

test("pages come from one snapshot, whatever happens between them", async (t) => {
  const world = await createWorld(t);
  await createMaps(world, 5);
  const first = await world.call("GET", `${MAPS}?limit=2`);
  assert.deepEqual(names(first), ["m0", "m1"]);
  const { continue: token, remainingItemCount } = first.body.metadata as unknown as Record<string, unknown>;
  assert.equal(remainingItemCount, 3);
  await world.call("DELETE", `${MAPS}/m2`);
  await world.call("POST", MAPS, { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m25" } } });
  const second = await world.call("GET", `${MAPS}?limit=2&continue=${String(token)}`);
  assert.deepEqual(names(second), ["m2", "m3"]);
  assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
});

test("a long list comes in small pieces of the state as of its beginning", async (t) => {
  const world = await createWorld(t);
  const count = 501;
  const map = { apiVersion: "v1", kind: "ConfigMap", data: { text: "x".repeat(1_000) } };
  for (let index = 0; index < count; index += 1) {
    await world.call("POST", MAPS, { body: { ...map, metadata: { name: `m${index + 1_000}` } } });
  }
  const headers = { authorization: `Bearer ${world.controlPlane.adminToken}` };
  const { body } = await world.controlPlane.handle(new Request(`http://cluster${MAPS}`, { headers }));
  assert.ok(body !== null);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) {
    if (pieces.push(piece) === 1) {
      await world.call("PATCH", `${MAPS}/m1500`, {
        body: { data: { text: "new" } },
        type: "application/merge-patch+json",
      });
      await world.call("DELETE", `${MAPS}/m1499`);
    }
  }
  const { items } = JSON.parse(Buffer.concat(pieces).toString()) as { items: KubeObject[] };
  assert.ok(Math.max(...pieces.map(({ length }) => length)) < 70_000);
  assert.equal(items.length, count);
  for (const { data } of items) assert.deepEqual(data, map.data);
});

test("label selectors of every form", async (t) => {
  const world = await createWorld(t);
  await createMaps(world, 4);
  const cases: Record<string, string[]> = {
    "parity=even": ["m0", "m2"],
    "parity==even,index!=0": ["m2"],
    "index in (1, 3)": ["m1", "m3"],
    "index notin (1,3)": ["m0", "m2"],
    "parity,index>2": ["m3"],
    "!parity": [],
    "parity=even,index in (0,1)": ["m0"],
  };
  for (const [selector, expected] of Object.entries(cases)) {
    assert.deepEqual(
      names(await world.call("GET", `${MAPS}?labelSelector=${encodeURIComponent(selector)}`)),
      expected,
      selector,
    );
  }
  assert.equal((await world.call("GET", `${MAPS}?labelSelector=a%3D%3D%3Db`)).code, 400);
});

test("field selectors select by name and by what the kind offers, and refuse the rest", async (t) => {
  const world = await createWorld(t);
  await createMaps(world, 2);
  assert.deepEqual(names(await world.call("GET", `${MAPS}?fieldSelector=metadata.name%3Dm1`)), ["m1"]);
  const pods = "/api/v1/namespaces/default/pods";
  for (const name of ["p1", "p2"]) {
    const spec = { containers: [{ name: "c", image: "i" }], ...(name === "p1" ? { nodeName: "n1" } : {}) };
    await world.call("POST", pods, { body: { apiVersion: "v1", kind: "Pod", metadata: { name }, spec } });
  }
  assert.deepEqual(names(await world.call("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")), ["p1"]);
  const refused = await world.call("GET", `${MAPS}?fieldSelector=data.x%3Dy`);
  assert.equal(refused.code, 400);
  assert.equal(
    refused.body["message"],
    '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
});

test("events are one kind in two groups", async (t) => {
  const world = await createWorld(t);
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e1" },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    reason: "Started",
    message: "hello",
    type: "Normal",
  };
  await world.call("POST", "/api/v1/namespaces/default/events", { body: event });
  const { body } = await world.call("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e1");
  assert.deepEqual(
    [body.apiVersion, body["note"], body["regarding"]],
    ["events.k8s.io/v1", "hello", event.involvedObject],
  );
  assert.deepEqual(names(await world.call("GET", "/api/v1/events?fieldSelector=involvedObject.name%3Dp")), ["e1"]);
});
