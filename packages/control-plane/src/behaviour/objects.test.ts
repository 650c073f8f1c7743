import assert from "node:assert/strict";
import { test } from "node:test";
import { START } from "./clock.ts";
import { createWorld, installWidgets, widget, WIDGETS } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const map = (name: string, data = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

test("create fills the metadata the server owns", async (t) => {
  const { call } = await createWorld(t);
  const { code, body } = await call("POST", MAPS, { body: map("a", { k: "v" }) });
  assert.equal(code, 201);
  assert.match(body.metadata.uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.equal(body.metadata.creationTimestamp, new Date(START).toISOString().replace(".000", ""));
  assert.ok(Number(body.metadata.resourceVersion) > 0);
  assert.equal(body.metadata.namespace, "default");
});

test("creating a name twice conflicts with the words of Kubernetes", async (t) => {
  const { call } = await createWorld(t);
  await call("POST", MAPS, { body: map("a") });
  const { code, body } = await call("POST", MAPS, { body: map("a") });
  assert.equal(code, 409);
  assert.equal(body["reason"], "AlreadyExists");
  assert.equal(body["message"], 'configmaps "a" already exists');
  assert.deepEqual(body["details"], { name: "a", kind: "configmaps" });
});

test("generateName makes a name of its own for each object", async (t) => {
  const { call } = await createWorld(t);
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "run-" } };
  const first = await call("POST", MAPS, { body });
  const second = await call("POST", MAPS, { body });
  assert.match(first.body.metadata.name, /^run-[a-z0-9]{5}$/);
  assert.notEqual(first.body.metadata.name, second.body.metadata.name);
});

test("nothing is created in a namespace that does not exist", async (t) => {
  const { call } = await createWorld(t);
  const { code, body } = await call("POST", "/api/v1/namespaces/nowhere/configmaps", { body: map("a") });
  assert.equal(code, 404);
  assert.equal(body["message"], 'namespaces "nowhere" not found');
});

test("an update with a stale resourceVersion conflicts", async (t) => {
  const { call } = await createWorld(t);
  const { body: created } = await call("POST", MAPS, { body: map("a") });
  await call("PUT", `${MAPS}/a`, { body: { ...created, data: { k: "1" } } });
  const { code, body } = await call("PUT", `${MAPS}/a`, { body: { ...created, data: { k: "2" } } });
  assert.equal(code, 409);
  assert.equal(body["reason"], "Conflict");
  assert.match(
    String(body["message"]),
    /^Operation cannot be fulfilled on configmaps "a": the object has been modified;/,
  );
});

test("an update that changes nothing keeps the resourceVersion", async (t) => {
  const { call } = await createWorld(t);
  const { body: created } = await call("POST", MAPS, { body: map("a", { k: "v" }) });
  const { body: updated } = await call("PUT", `${MAPS}/a`, { body: created });
  assert.equal(updated.metadata.resourceVersion, created.metadata.resourceVersion);
});

test("a dry run answers as the real thing and stores nothing", async (t) => {
  const { call } = await createWorld(t);
  const { code } = await call("POST", `${MAPS}?dryRun=All`, { body: map("a") });
  assert.equal(code, 201);
  assert.equal((await call("GET", `${MAPS}/a`)).code, 404);
});

test("deletion answers with a Status and honours preconditions", async (t) => {
  const { call } = await createWorld(t);
  const { body: created } = await call("POST", MAPS, { body: map("a") });
  const refused = await call("DELETE", `${MAPS}/a`, { body: { preconditions: { uid: "other" } } });
  assert.equal(refused.code, 409);
  assert.match(
    String(refused.body["message"]),
    /the UID in the precondition \(other\) does not match the UID in record \(/,
  );
  const { code, body } = await call("DELETE", `${MAPS}/a`, { body: { preconditions: { uid: created.metadata.uid } } });
  assert.equal(code, 200);
  assert.equal(body["status"], "Success");
});

test("a finalizer holds an object until it is taken away", async (t) => {
  const { call } = await createWorld(t);
  await call("POST", MAPS, { body: { ...map("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } } });
  const { body: marked } = await call("DELETE", `${MAPS}/a`);
  assert.ok(marked.metadata.deletionTimestamp);
  const added = await call("PATCH", `${MAPS}/a`, {
    type: "application/merge-patch+json",
    body: { metadata: { finalizers: ["example.com/hold", "example.com/more"] } },
  });
  assert.equal(added.code, 422);
  const freed = await call("PATCH", `${MAPS}/a`, {
    type: "application/merge-patch+json",
    body: { metadata: { finalizers: null } },
  });
  assert.equal(freed.code, 200);
  assert.equal((await call("GET", `${MAPS}/a`)).code, 404);
});

test("deletecollection removes what the selector names and nothing else", async (t) => {
  const { call } = await createWorld(t);
  for (const name of ["a", "b"]) {
    await call("POST", MAPS, { body: { ...map(name), metadata: { name, labels: { name } } } });
  }
  await call("DELETE", `${MAPS}?labelSelector=name%3Da`);
  assert.equal((await call("GET", `${MAPS}/a`)).code, 404);
  assert.equal((await call("GET", `${MAPS}/b`)).code, 200);
});

test("a bad name is refused with field and rule", async (t) => {
  const { call } = await createWorld(t);
  const { code, body } = await call("POST", MAPS, { body: map("Not_A_Name") });
  assert.equal(code, 422);
  assert.match(
    String(body["message"]),
    /^ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/,
  );
});

test("generation rises with the spec, not with status or metadata", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const { call } = world;
  const patch = (path: string, body: unknown) => call("PATCH", path, { type: "application/merge-patch+json", body });
  assert.equal((await call("POST", WIDGETS, { body: widget("a") })).body.metadata.generation, 1);
  assert.equal((await patch(`${WIDGETS}/a`, { metadata: { labels: { a: "b" } } })).body.metadata.generation, 1);
  assert.equal((await patch(`${WIDGETS}/a/status`, { status: { x: 1 } })).body.metadata.generation, 1);
  assert.equal((await patch(`${WIDGETS}/a`, { spec: { size: 4 } })).body.metadata.generation, 2);
});

test("without a status subresource any change but metadata raises the generation", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world, (version) => delete version["subresources"]);
  const { call } = world;
  await call("POST", WIDGETS, { body: { ...widget("a"), status: { phase: "new" } } });
  const { body } = await call("PATCH", `${WIDGETS}/a`, {
    type: "application/merge-patch+json",
    body: { status: { phase: "old" } },
  });
  assert.deepEqual(body["status"], { phase: "old" });
  assert.equal(body.metadata.generation, 2);
});

test("status and spec each change through their own path only", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const { call } = world;
  const { body: created } = await call("POST", WIDGETS, { body: { ...widget("a"), status: { x: 1 } } });
  assert.equal(created["status"], undefined);
  const { body: viaStatus } = await call("PUT", `${WIDGETS}/a/status`, {
    body: { ...created, spec: { size: 9 }, status: { x: 2 } },
  });
  assert.deepEqual([viaStatus["spec"], viaStatus["status"]], [created["spec"], { x: 2 }]);
});

test("scale reads and writes the replica fields of the kind", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const { call } = world;
  await call("POST", WIDGETS, { body: widget("a", { size: 1, selector: { matchLabels: { app: "x" } } }) });
  const { body: scale } = await call("GET", `${WIDGETS}/a/scale`);
  assert.deepEqual(
    [scale.kind, scale["spec"], scale["status"]],
    ["Scale", { replicas: 1 }, { replicas: 0, selector: "app=x" }],
  );
  await call("PUT", `${WIDGETS}/a/scale`, { body: { ...scale, spec: { replicas: 5 } } });
  const { body } = await call("GET", `${WIDGETS}/a`);
  assert.equal((body["spec"] as { replicas: number }).replicas, 5);
  assert.equal(body.metadata.generation, 2);
});
