/** Deletion: answers, preconditions, finalizers, grace and collections. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, namesOf } from "../expect.ts";
import { configMap, node, pod } from "../manifests.ts";
import type { World } from "../world.ts";

async function createHeld({ call, path }: World, finalizers = ["example.com/hold"]) {
  await call("POST", path("configmaps"), { body: configMap("a", {}, { finalizers }) });
  return `${path("configmaps")}/a`;
}

async function createRunning({ call, path, unique }: World, spec = {}) {
  await call("POST", "/api/v1/nodes", { body: node(unique("n")) });
  await call("POST", path("pods"), { body: pod("a", { nodeName: unique("n"), ...spec }) });
  return `${path("pods")}/a`;
}

export const deletionCases = behaviour("deletion", {
  "deletion answers with a Status that names the object": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const body = expectBody(await call("DELETE", `${path("configmaps")}/a`), 200);
    assert.deepEqual(body, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "a", kind: "configmaps", uid: created.metadata.uid },
    });
    assert.equal((await call("GET", `${path("configmaps")}/a`)).status, 404);
  },
  "the Status of a deletion names the group": async ({ call, path }) => {
    const roles = path("rbac.authorization.k8s.io/v1/roles");
    await call("POST", roles, { body: { metadata: { name: "a" } } });
    expectBody(await call("DELETE", `${roles}/a`), 200, {
      status: "Success",
      details: { name: "a", group: "rbac.authorization.k8s.io", kind: "roles" },
    });
  },
  "deletion of some kinds answers with the object": async ({ call, path }) => {
    await call("POST", path("serviceaccounts"), { body: { metadata: { name: "a" } } });
    expectBody(await call("DELETE", `${path("serviceaccounts")}/a`), 200, {
      kind: "ServiceAccount",
      metadata: { name: "a" },
    });
    await call("POST", path("pods"), { body: pod("a") });
    expectBody(await call("DELETE", `${path("pods")}/a`), 200, { kind: "Pod", metadata: { name: "a" } });
    assert.equal((await call("GET", `${path("pods")}/a`)).status, 404);
  },
  "a uid precondition that fails conflicts": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const refused = await call("DELETE", `${path("configmaps")}/a`, { body: { preconditions: { uid: "other" } } });
    expectRefusal(refused, 409, {
      reason: "Conflict",
      message: `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in record (${created.metadata.uid}). The object might have been deleted and then recreated`,
    });
    const { uid } = created.metadata;
    expectBody(await call("DELETE", `${path("configmaps")}/a`, { body: { preconditions: { uid } } }), 200);
  },
  "a resourceVersion precondition that fails conflicts": async ({ call, path }) => {
    const { body: created } = await call("POST", path("configmaps"), { body: configMap("a") });
    const refused = await call("DELETE", `${path("configmaps")}/a`, {
      body: { preconditions: { resourceVersion: "1" } },
    });
    const { resourceVersion } = created.metadata;
    expectRefusal(refused, 409, {
      reason: "Conflict",
      message: `Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    });
    const answer = await call("DELETE", `${path("configmaps")}/a`, { body: { preconditions: { resourceVersion } } });
    expectBody(answer, 200);
  },
  "delete options of another kind are refused": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Sometimes" };
    expectRefusal(await call("DELETE", `${path("configmaps")}/a`, { body }), 422, {
      reason: "Invalid",
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sometimes": supported values: "Foreground", "Background", "Orphan", "nil"',
    });
  },
  "a dry deletion removes nothing": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a") });
    expectBody(await call("DELETE", `${path("configmaps")}/a?dryRun=All`), 200, { status: "Success" });
    expectBody(await call("DELETE", `${path("configmaps")}/a`, { body: { dryRun: ["All"] } }), 200);
    expectBody(await call("GET", `${path("configmaps")}/a`), 200);
  },
  "a finalizer holds an object, which is marked": async (world) => {
    const at = await createHeld(world);
    const { metadata } = expectBody(await world.call("DELETE", at), 200, {
      kind: "ConfigMap",
      metadata: { finalizers: ["example.com/hold"], deletionGracePeriodSeconds: 0 },
    });
    assert.match(metadata.deletionTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expectBody(await world.call("GET", at), 200);
  },
  "deleting again changes nothing": async (world) => {
    const at = await createHeld(world);
    const { body: first } = await world.call("DELETE", at);
    const second = expectBody(await world.call("DELETE", at), 200);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.deletionTimestamp, first.metadata.deletionTimestamp);
  },
  "taking the last finalizer away removes the object": async (world) => {
    const at = await createHeld(world, ["example.com/one", "example.com/two"]);
    await world.call("DELETE", at);
    expectBody(await world.call("PATCH", at, { body: { metadata: { finalizers: ["example.com/two"] } } }), 200);
    expectBody(await world.call("PATCH", at, { body: { metadata: { finalizers: null } } }), 200, {
      kind: "ConfigMap",
    });
    assert.equal((await world.call("GET", at)).status, 404);
  },
  "no finalizer is added to an object that is being deleted": async (world) => {
    const at = await createHeld(world);
    await world.call("DELETE", at);
    const finalizers = ["example.com/hold", "example.com/more"];
    expectInvalid(await world.call("PATCH", at, { body: { metadata: { finalizers } } }), [
      {
        field: "metadata.finalizers",
        reason: "FieldValueForbidden",
        message:
          'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}',
      },
    ]);
  },
  "a marked object can still change otherwise": async (world) => {
    const at = await createHeld(world);
    await world.call("DELETE", at);
    const { metadata } = expectBody(await world.call("PATCH", at, { body: { data: { k: "v" } } }), 200, {
      data: { k: "v" },
    });
    assert.ok(metadata.deletionTimestamp);
  },
  "deletionTimestamp cannot be set or taken away by a client": async (world) => {
    const at = await createHeld(world);
    const { body: marked } = await world.call("DELETE", at);
    const body = expectBody(await world.call("PATCH", at, { body: { metadata: { deletionTimestamp: null } } }), 200);
    assert.equal(body.metadata.deletionTimestamp, marked.metadata.deletionTimestamp);
  },
  "a new object of the name waits until the old one is gone": async (world) => {
    const at = await createHeld(world);
    await world.call("DELETE", at);
    expectRefusal(await world.call("POST", world.path("configmaps"), { body: configMap("a") }), 409, {
      reason: "AlreadyExists",
      message: 'object is being deleted: configmaps "a" already exists',
      details: { name: "a", kind: "configmaps" },
    });
  },
  "a Pod on a node has its grace": async (world) => {
    const at = await createRunning(world, { terminationGracePeriodSeconds: 17 });
    const before = Date.now();
    const { metadata } = expectBody(await world.call("DELETE", at), 200, {
      metadata: { deletionGracePeriodSeconds: 17 },
    });
    const seconds = (Date.parse(metadata.deletionTimestamp ?? "") - before) / 1000;
    assert.ok(seconds > 14 && seconds < 20, `${seconds}`);
    expectBody(await world.call("GET", at), 200);
  },
  "grace can be made shorter, never longer": async (world) => {
    const at = await createRunning(world);
    expectBody(await world.call("DELETE", `${at}?gracePeriodSeconds=20`), 200, {
      metadata: { deletionGracePeriodSeconds: 20 },
    });
    expectBody(await world.call("DELETE", `${at}?gracePeriodSeconds=50`), 200, {
      metadata: { deletionGracePeriodSeconds: 20 },
    });
    expectBody(await world.call("DELETE", at, { body: { gracePeriodSeconds: 5 } }), 200, {
      metadata: { deletionGracePeriodSeconds: 5 },
    });
  },
  "a Pod that is deleted with no grace goes at once": async (world) => {
    const at = await createRunning(world);
    expectBody(await world.call("DELETE", `${at}?gracePeriodSeconds=0`), 200);
    assert.equal((await world.call("GET", at)).status, 404);
  },
  "a Pod on no node goes at once": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("a") });
    expectBody(await call("DELETE", `${path("pods")}/a`), 200);
    assert.equal((await call("GET", `${path("pods")}/a`)).status, 404);
  },
  "a finished Pod goes at once": async (world) => {
    const at = await createRunning(world);
    await world.call("PATCH", `${at}/status`, { body: { status: { phase: "Succeeded" } } });
    expectBody(await world.call("DELETE", at), 200);
    assert.equal((await world.call("GET", at)).status, 404);
  },
  "deletecollection removes what the label selector names": async ({ call, path }) => {
    for (const name of ["a", "b", "c"]) {
      const labels = { half: name === "c" ? "second" : "first" };
      await call("POST", path("configmaps"), { body: configMap(name, {}, { labels }) });
    }
    const answer = await call("DELETE", `${path("configmaps")}?labelSelector=half%3Dfirst`);
    expectBody(answer, 200, { kind: "ConfigMapList" });
    assert.deepEqual(namesOf(answer), ["a", "b"]);
    const left = await call("GET", `${path("configmaps")}?labelSelector=half`);
    assert.deepEqual(namesOf(left), ["c"]);
  },
  "deletecollection takes a field selector": async ({ call, path }) => {
    for (const name of ["a", "b"]) await call("POST", path("secrets"), { body: { metadata: { name } } });
    expectBody(await call("DELETE", `${path("secrets")}?fieldSelector=metadata.name%3Da`), 200);
    assert.deepEqual(namesOf(await call("GET", path("secrets"))), ["b"]);
  },
  "deletecollection marks what finalizers hold": async (world) => {
    const at = await createHeld(world);
    await world.call("DELETE", `${world.path("configmaps")}?fieldSelector=metadata.name%3Da`);
    assert.ok((await world.call("GET", at)).body.metadata.deletionTimestamp);
  },
});
