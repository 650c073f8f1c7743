import assert from "node:assert/strict";
import { test } from "node:test";
import { valueAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { createWorld, installWidgets, widget, WIDGETS } from "./test-world.ts";
import type { World } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

function apply(world: World, manager: string, options: { path?: string; force?: boolean; body: JsonObject }) {
  const path = options.path ?? `${MAPS}/a`;
  return world.call("PATCH", `${path}?fieldManager=${manager}&force=${options.force === true}`, {
    type: "application/apply-patch+yaml",
    body: options.body,
  });
}

const map = (data: Record<string, string>, metadata = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", ...metadata },
  data,
});

test("applying creates, merges with others' fields, and takes back its own", async (t) => {
  const world = await createWorld(t);
  assert.equal((await apply(world, "one", { body: map({ a: "1", b: "1" }) })).code, 201);
  assert.equal((await apply(world, "two", { body: map({ c: "2" }) })).code, 200);
  const { body } = await apply(world, "one", { body: map({ a: "1" }) });
  assert.deepEqual(body["data"], { a: "1", c: "2" });
  const owners = body.metadata.managedFields?.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1]);
  assert.deepEqual(owners, [
    ["one", "Apply", { "f:data": { "f:a": {} } }],
    ["two", "Apply", { "f:data": { "f:c": {} } }],
  ]);
});

test("changing another's field conflicts and names it; force takes it over", async (t) => {
  const world = await createWorld(t);
  await apply(world, "one", { body: map({ a: "1" }) });
  const refused = await apply(world, "two", { body: map({ a: "2" }) });
  assert.deepEqual([refused.code, refused.body["reason"]], [409, "Conflict"]);
  assert.equal(refused.body["message"], 'Apply failed with 1 conflict: conflict with "one": .data.a');
  const { body } = await apply(world, "two", { body: map({ a: "2" }), force: true });
  assert.deepEqual(body["data"], { a: "2" });
  assert.deepEqual(
    body.metadata.managedFields?.map(({ manager }) => manager),
    ["two"],
  );
});

test("an update takes over the fields it changes", async (t) => {
  const world = await createWorld(t);
  await apply(world, "one", { body: map({ a: "1", b: "1" }) });
  await world.call("PATCH", `${MAPS}/a?fieldManager=editor`, {
    type: "application/merge-patch+json",
    body: { data: { a: "edited" } },
  });
  const refused = await apply(world, "one", { body: map({ a: "1", b: "1" }) });
  assert.equal(refused.body["message"], 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.a');
});

test("applying the same twice writes nothing", async (t) => {
  const world = await createWorld(t);
  const first = await apply(world, "one", { body: map({ a: "1" }) });
  await world.advance(5000);
  const second = await apply(world, "one", { body: map({ a: "1" }) });
  assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
});

test("lists merge by key for built-in kinds and by schema for custom ones", async (t) => {
  const world = await createWorld(t);
  const deployments = "/apis/apps/v1/namespaces/default/deployments/d";
  const deployment = (containers: JsonObject[]): JsonObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers } },
    },
  });
  await apply(world, "one", { path: deployments, body: deployment([{ name: "app", image: "i" }]) });
  const { body } = await apply(world, "two", { path: deployments, body: deployment([{ name: "side", image: "j" }]) });
  assert.deepEqual(
    (valueAt(body, "spec.template.spec.containers") as JsonObject[]).map(({ name }) => name),
    ["app", "side"],
  );
  await installWidgets(world);
  const path = `${WIDGETS}/w`;
  await apply(world, "one", { path, body: widget("w", { size: 1, replicas: 3 }) });
  const { body: scaled } = await apply(world, "one", { path, body: widget("w", { size: 1 }) });
  assert.equal((scaled["spec"] as JsonObject)["replicas"], 1);
});

test("an apply without a field manager is refused", async (t) => {
  const world = await createWorld(t);
  const { code, body } = await world.call("PATCH", `${MAPS}/a`, {
    type: "application/apply-patch+yaml",
    body: map({}),
  });
  assert.equal(code, 422);
  assert.match(String(body["message"]), /fieldManager: Required value: is required for apply patch$/);
});
