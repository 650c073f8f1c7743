import assert from "node:assert/strict";
import { test } from "node:test";
import { arrayAt, isJsonObject, objectAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { createWorld, installWidgets, widget, WIDGETS } from "./test-world.ts";
import type { World } from "./test-world.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

async function createOwned(
  world: World,
  name: string,
  { more = {}, ...owner }: KubeObject & { more?: JsonObject },
): Promise<KubeObject> {
  const reference = {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
  };
  const metadata = { name, ownerReferences: [{ ...reference, ...more }] };
  const { body, code } = await world.call("POST", MAPS, { body: { apiVersion: "v1", kind: "ConfigMap", metadata } });
  assert.equal(code, 201);
  return body;
}

async function createOwner(world: World): Promise<KubeObject> {
  await installWidgets(world);
  return (await world.call("POST", WIDGETS, { body: widget("owner") })).body;
}

test("what an object owns goes with it, and what that owns too", async (t) => {
  const world = await createWorld(t);
  world.run();
  const owner = await createOwner(world);
  const child = await createOwned(world, "child", owner);
  await createOwned(world, "grandchild", child);
  await world.call("DELETE", `${WIDGETS}/owner`);
  await world.until(`${MAPS}/child`, (object) => object === undefined);
  await world.until(`${MAPS}/grandchild`, (object) => object === undefined);
});

test("orphaned dependants stay, without the reference", async (t) => {
  const world = await createWorld(t);
  world.run();
  const owner = await createOwner(world);
  await createOwned(world, "child", owner);
  await world.call("DELETE", `${WIDGETS}/owner?propagationPolicy=Orphan`);
  await world.until(`${WIDGETS}/owner`, (object) => object === undefined);
  await world.until(`${MAPS}/child`, (object) => object !== undefined && object.metadata.ownerReferences === undefined);
});

test("foreground deletion waits for dependants that block it", async (t) => {
  const world = await createWorld(t);
  world.run();
  const owner = await createOwner(world);
  await createOwned(world, "child", { ...owner, more: { blockOwnerDeletion: true, controller: true } });
  const hold = (finalizers: string[] | null) =>
    world.call("PATCH", `${MAPS}/child`, { type: "application/merge-patch+json", body: { metadata: { finalizers } } });
  await hold(["example.com/hold"]);
  const { body } = await world.call("DELETE", `${WIDGETS}/owner?propagationPolicy=Foreground`);
  assert.deepEqual(body.metadata.finalizers, ["foregroundDeletion"]);
  await world.until(`${MAPS}/child`, (object) => object?.metadata.deletionTimestamp !== undefined);
  assert.equal((await world.call("GET", `${WIDGETS}/owner`)).code, 200);
  await hold(null);
  await world.until(`${WIDGETS}/owner`, (object) => object === undefined);
});

test("an object whose owner never was is collected, one with an unknown kind of owner is not", async (t) => {
  const world = await createWorld(t);
  world.run();
  const owner = await createOwner(world);
  await createOwned(world, "stray", { ...owner, metadata: { ...owner.metadata, uid: "another" } });
  await createOwned(world, "kept", { ...owner, kind: "Unheard" });
  await world.until(`${MAPS}/stray`, (object) => object === undefined);
  assert.equal((await world.call("GET", `${MAPS}/kept`)).code, 200);
});

test("a deleted namespace takes its contents along and waits for finalizers", async (t) => {
  const world = await createWorld(t);
  world.run();
  const { call } = world;
  await call("POST", "/api/v1/namespaces", {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
  });
  const maps = "/api/v1/namespaces/team/configmaps";
  await world.until(`${maps}/kube-root-ca.crt`, (object) => object !== undefined);
  await call("POST", maps, {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "held", finalizers: ["example.com/hold"] } },
  });
  const { body } = await call("DELETE", "/api/v1/namespaces/team");
  assert.equal((body["status"] as JsonObject)["phase"], "Terminating");
  const late = await call("POST", maps, { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late" } } });
  assert.equal(late.code, 403);
  await world.until(`${maps}/kube-root-ca.crt`, (object) => object === undefined);
  assert.equal((await call("GET", "/api/v1/namespaces/team")).code, 200);
  await call("PATCH", `${maps}/held`, {
    type: "application/merge-patch+json",
    body: { metadata: { finalizers: null } },
  });
  await world.until("/api/v1/namespaces/team", (object) => object === undefined);
});

test("a node whose lease is not renewed becomes Unknown and tainted, and recovers", async (t) => {
  const world = await createWorld(t);
  world.run();
  const { call } = world;
  const ready = { type: "Ready", status: "True", lastHeartbeatTime: "2026-01-31T08:00:00Z" };
  await call("POST", "/api/v1/nodes", {
    body: { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, status: { conditions: [ready] } },
  });
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  await call("POST", leases, {
    body: {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "n1" },
      spec: { renewTime: "2026-01-31T08:00:00.000000Z" },
    },
  });
  const statusOf = (node: KubeObject | undefined) =>
    arrayAt(objectAt(node, "status"), "conditions")
      .filter(isJsonObject)
      .find(({ type }) => type === "Ready")?.["status"];
  const taintsOf = (node: KubeObject | undefined) =>
    (((node?.["spec"] as JsonObject | undefined)?.["taints"] as JsonObject[] | undefined) ?? []).map(
      ({ key, effect }) => `${String(key)}:${String(effect)}`,
    );
  await world.advance(39_000);
  assert.equal(statusOf((await call("GET", "/api/v1/nodes/n1")).body), "True");
  await world.advance(2000);
  await world.until("/api/v1/nodes/n1", (node) => statusOf(node) === "Unknown" && taintsOf(node).length === 2);
  const { body } = await call("GET", "/api/v1/nodes/n1");
  assert.deepEqual(taintsOf(body), [
    "node.kubernetes.io/unreachable:NoSchedule",
    "node.kubernetes.io/unreachable:NoExecute",
  ]);
  await call("PATCH", "/api/v1/nodes/n1/status", {
    type: "application/strategic-merge-patch+json",
    body: { status: { conditions: [{ ...ready, lastHeartbeatTime: "2026-01-31T08:00:41Z" }] } },
  });
  await world.until("/api/v1/nodes/n1", (node) => taintsOf(node).length === 0 && statusOf(node) === "True");
});

test("evictions respect a disruption budget", async (t) => {
  const world = await createWorld(t);
  world.run();
  const { call } = world;
  const pods = "/api/v1/namespaces/default/pods";
  for (const name of ["p1", "p2"]) {
    await call("POST", pods, {
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { app: "x" } },
        spec: { containers: [{ name: "c", image: "i" }] },
      },
    });
    await call("PATCH", `${pods}/${name}/status`, {
      type: "application/strategic-merge-patch+json",
      body: { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
    });
  }
  const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  await call("POST", budgets, {
    body: {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "b" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "x" } } },
    },
  });
  await world.until(
    `${budgets}/b`,
    (budget) => (budget?.["status"] as JsonObject | undefined)?.["disruptionsAllowed"] === 1,
  );
  const evict = (name: string) =>
    call("POST", `${pods}/${name}/eviction`, {
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } },
    });
  assert.equal((await evict("p1")).code, 201);
  const refused = await evict("p2");
  assert.deepEqual(
    [refused.code, refused.body["message"]],
    [429, "Cannot evict pod as it would violate the pod's disruption budget."],
  );
});
