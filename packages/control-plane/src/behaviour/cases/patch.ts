/** The patch types: JSON patch, merge patch and strategic merge patch. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { configMap, deployment, node, pod } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { Answer, World } from "../world.ts";

const JSON_PATCH = "application/json-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

async function createMap({ call, path }: World, data: Record<string, string> = { a: "1", b: "2" }): Promise<string> {
  await call("POST", path("configmaps"), { body: configMap("m", data, { labels: { x: "y" } }) });
  return `${path("configmaps")}/m`;
}

async function createNode({ call, unique }: World, spec = {}, metadata = {}): Promise<string> {
  await call("POST", "/api/v1/nodes", { body: node(unique("n"), spec, metadata) });
  return `/api/v1/nodes/${unique("n")}`;
}

function taintsOf({ body }: Answer): string[] {
  return itemsAt(body, "spec.taints").map(({ key, effect }) => `${String(key)}:${String(effect)}`);
}

const taint = (key: string, effect = "NoSchedule") => ({ key, effect });

export const patchCases = behaviour("patch", {
  "a JSON patch adds, replaces and removes": async (world) => {
    const at = await createMap(world);
    const body = [
      { op: "add", path: "/data/c", value: "3" },
      { op: "replace", path: "/data/a", value: "one" },
      { op: "remove", path: "/data/b" },
    ];
    const answer = await world.call("PATCH", at, { type: JSON_PATCH, body });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "one", c: "3" });
  },
  "a JSON patch moves and copies": async (world) => {
    const at = await createMap(world);
    const body = [
      { op: "copy", from: "/data/a", path: "/data/c" },
      { op: "move", from: "/data/b", path: "/data/d" },
    ];
    const answer = await world.call("PATCH", at, { type: JSON_PATCH, body });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "1", c: "1", d: "2" });
  },
  "a JSON patch reaches keys with slashes": async (world) => {
    const at = await createMap(world);
    const body = [{ op: "add", path: "/metadata/labels/example.com~1z", value: "w" }];
    expectBody(await world.call("PATCH", at, { type: JSON_PATCH, body }), 200, {
      metadata: { labels: { x: "y", "example.com/z": "w" } },
    });
  },
  "a JSON patch appends to a list": async (world) => {
    const at = await createNode(world, { taints: [taint("a")] });
    const body = [{ op: "add", path: "/spec/taints/-", value: taint("b") }];
    const taints = taintsOf(await world.call("PATCH", at, { type: JSON_PATCH, body }));
    assert.deepEqual([taints[0], taints.at(-1)], ["a:NoSchedule", "b:NoSchedule"]);
  },
  "a test that fails leaves the object alone": async (world) => {
    const at = await createMap(world);
    const body = [
      { op: "test", path: "/data/a", value: "9" },
      { op: "remove", path: "/data/a" },
    ];
    expectRefusal(await world.call("PATCH", at, { type: JSON_PATCH, body }), 422, {
      reason: "Invalid",
      message: /^the server rejected our request due to an error in our request$/,
    });
    expectBody(await world.call("GET", at), 200, { data: { a: "1" } });
  },
  "a JSON patch of a path that is not there is refused": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PATCH", at, { type: JSON_PATCH, body: [{ op: "remove", path: "/data/none" }] });
    expectRefusal(answer, 422, {
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
    });
  },
  "a JSON patch that is no list is refused": async (world) => {
    const at = await createMap(world);
    expectBody(await world.call("PATCH", at, { type: JSON_PATCH, body: { op: "add" } }), 400, { reason: "BadRequest" });
  },
  "a merge patch merges maps, and null removes": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PATCH", at, { body: { data: { a: null, c: "3" }, metadata: { labels: null } } });
    const body = expectBody(answer, 200);
    assert.deepEqual(body["data"], { b: "2", c: "3" });
    assert.equal("labels" in body.metadata, false);
  },
  "a merge patch replaces lists": async (world) => {
    const at = await createNode(world, { taints: [taint("a"), taint("b")] });
    assert.deepEqual(taintsOf(await world.call("PATCH", at, { body: { spec: { taints: [taint("c")] } } })), [
      "c:NoSchedule",
    ]);
  },
  "a merge patch with a stale resourceVersion conflicts": async (world) => {
    const at = await createMap(world);
    const body = { metadata: { resourceVersion: "1" }, data: { a: "2" } };
    expectRefusal(await world.call("PATCH", at, { body }), 409, {
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "m": the object has been modified; please apply your changes to the latest version and try again',
    });
  },
  "a patch that makes the object invalid is refused": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PATCH", at, { body: { metadata: { labels: { "-": "x" } } } });
    expectInvalid(answer, [{ field: "metadata.labels", reason: "FieldValueInvalid", message: /^Invalid value: "-"/ }]);
  },
  "a patch cannot change the name": async (world) => {
    const at = await createMap(world);
    expectBody(await world.call("PATCH", at, { body: { metadata: { name: "other" } } }), 400, {
      reason: "BadRequest",
      message: "the name of the object (other) does not match the name on the URL (m)",
    });
  },
  "a patch cannot change the kind": async (world) => {
    const at = await createMap(world);
    assert.ok((await world.call("PATCH", at, { body: { kind: "Secret" } })).status >= 400);
    expectBody(await world.call("GET", at), 200, { kind: "ConfigMap" });
  },
  "a patch cannot change the uid": async (world) => {
    const at = await createMap(world);
    const uid = "11111111-1111-4111-8111-111111111111";
    expectInvalid(await world.call("PATCH", at, { body: { metadata: { uid } } }), [
      { field: "metadata.uid", reason: "FieldValueInvalid", message: `Invalid value: "${uid}": field is immutable` },
    ]);
  },
  "a patch in an unknown format is refused": async (world) => {
    const at = await createMap(world);
    expectRefusal(await world.call("PATCH", at, { type: "application/json", body: {} }), 415, {
      reason: "UnsupportedMediaType",
      message: "415: Unsupported Media Type",
    });
  },
  "a strategic patch merges containers by name": async ({ call, path }) => {
    await call("POST", path("apps/v1/deployments"), { body: deployment("d") });
    const at = `${path("apps/v1/deployments")}/d`;
    const containers = [
      { name: "app", image: "registry.example/app:2" },
      { name: "side", image: "registry.example/side:1" },
    ];
    const body = { spec: { template: { spec: { containers } } } };
    const answer = await call("PATCH", at, { type: STRATEGIC, body });
    const images = itemsAt(expectBody(answer, 200), "spec.template.spec.containers").map(
      ({ name, image }) => `${String(name)}=${String(image)}`,
    );
    assert.deepEqual(images.sort(), ["app=registry.example/app:2", "side=registry.example/side:1"]);
  },
  "a strategic patch deletes an item by its key": async ({ call, path }) => {
    const containers = ["app", "side"].map((name) => ({ name, image: "registry.example/i" }));
    await call("POST", path("apps/v1/deployments"), {
      body: deployment("d", { template: { metadata: { labels: { app: "d" } }, spec: { containers } } }),
    });
    const body = { spec: { template: { spec: { containers: [{ name: "side", $patch: "delete" }] } } } };
    const answer = await call("PATCH", `${path("apps/v1/deployments")}/d`, { type: STRATEGIC, body });
    assert.deepEqual(
      itemsAt(expectBody(answer, 200), "spec.template.spec.containers").map(({ name }) => name),
      ["app"],
    );
  },
  "a strategic patch without the key of an item is refused": async ({ call, path }) => {
    await call("POST", path("apps/v1/deployments"), { body: deployment("d") });
    const body = { spec: { template: { spec: { containers: [{ image: "x" }] } } } };
    const answer = await call("PATCH", `${path("apps/v1/deployments")}/d`, { type: STRATEGIC, body });
    assert.equal(answer.status, 500);
    assert.match(String(answer.body["message"]), /does not contain declared merge key: name/);
  },
  "a strategic patch merges env within a container": async ({ call, path }) => {
    const container = {
      name: "app",
      image: "i",
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    };
    const template = { metadata: { labels: { app: "d" } }, spec: { containers: [container] } };
    await call("POST", path("apps/v1/deployments"), { body: deployment("d", { template }) });
    const patch = {
      name: "app",
      env: [
        { name: "B", value: "3" },
        { name: "A", $patch: "delete" },
      ],
    };
    const answer = await call("PATCH", `${path("apps/v1/deployments")}/d`, {
      type: STRATEGIC,
      body: { spec: { template: { spec: { containers: [patch] } } } },
    });
    const [app] = itemsAt(expectBody(answer, 200), "spec.template.spec.containers");
    assert.deepEqual(app?.["env"], [{ name: "B", value: "3" }]);
  },
  "a strategic patch replaces taints, which have no merge key": async (world) => {
    const at = await createNode(world, { taints: [taint("a")] });
    const answer = await world.call("PATCH", at, { type: STRATEGIC, body: { spec: { taints: [taint("b")] } } });
    assert.deepEqual(taintsOf(answer), ["b:NoSchedule"]);
  },
  "a strategic patch adds to finalizers and takes from them": async (world) => {
    const at = await createNode(world, {}, { finalizers: ["example.com/a"] });
    const added = await world.call("PATCH", at, {
      type: STRATEGIC,
      body: { metadata: { finalizers: ["example.com/b"] } },
    });
    assert.deepEqual([...(added.body.metadata.finalizers ?? [])].sort(), ["example.com/a", "example.com/b"]);
    const body = { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } };
    const taken = await world.call("PATCH", at, { type: STRATEGIC, body });
    assert.deepEqual(expectBody(taken, 200).metadata.finalizers, ["example.com/b"]);
    await world.call("PATCH", at, { body: { metadata: { finalizers: null } } });
  },
  "a strategic patch merges conditions by type": async (world) => {
    const at = await createNode(world);
    const set = (type: string, status: string) =>
      world.call("PATCH", `${at}/status`, { type: STRATEGIC, body: { status: { conditions: [{ type, status }] } } });
    await set("Ready", "False");
    await set("DiskPressure", "False");
    const answer = await set("Ready", "True");
    const conditions = itemsAt(expectBody(answer, 200), "status.conditions").map(
      ({ type, status }) => `${String(type)}=${String(status)}`,
    );
    assert.deepEqual(conditions.sort(), ["DiskPressure=False", "Ready=True"]);
  },
  "a strategic patch can replace a map as a whole": async (world) => {
    const at = await createMap(world);
    const answer = await world.call("PATCH", at, { type: STRATEGIC, body: { data: { $patch: "replace", z: "1" } } });
    assert.deepEqual(expectBody(answer, 200)["data"], { z: "1" });
  },
  "a strategic patch keeps what retainKeys names": async ({ call, path }) => {
    await call("POST", path("apps/v1/deployments"), { body: deployment("d") });
    const body = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    const answer = await call("PATCH", `${path("apps/v1/deployments")}/d`, { type: STRATEGIC, body });
    assert.deepEqual(valueAt(expectBody(answer, 200), "spec.strategy"), { type: "Recreate" });
  },
  "a strategic patch orders a list as it says": async ({ call, path }) => {
    const containers = ["a", "b"].map((name) => ({ name, image: "registry.example/i" }));
    const template = { metadata: { labels: { app: "d" } }, spec: { containers } };
    await call("POST", path("apps/v1/deployments"), { body: deployment("d", { template }) });
    const spec = {
      "$setElementOrder/containers": [{ name: "b" }, { name: "c" }, { name: "a" }],
      containers: [{ name: "c", image: "registry.example/i" }],
    };
    const answer = await call("PATCH", `${path("apps/v1/deployments")}/d`, {
      type: STRATEGIC,
      body: { spec: { template: { spec } } },
    });
    assert.deepEqual(
      itemsAt(expectBody(answer, 200), "spec.template.spec.containers").map(({ name }) => name),
      ["b", "c", "a"],
    );
  },
  "a strategic patch merges service ports by port": async ({ call, path }) => {
    const spec = {
      ports: [
        { name: "http", port: 80 },
        { name: "dns", port: 53, protocol: "UDP" },
      ],
    };
    await call("POST", path("services"), { body: { metadata: { name: "s" }, spec } });
    const body = { spec: { ports: [{ port: 80, targetPort: 8080 }] } };
    const answer = await call("PATCH", `${path("services")}/s`, { type: STRATEGIC, body });
    const ports = itemsAt(expectBody(answer, 200), "spec.ports").map(
      ({ name, targetPort }) => `${String(name)}=${String(targetPort)}`,
    );
    assert.deepEqual(ports.sort(), ["dns=53", "http=8080"]);
  },
  "a custom kind takes no strategic patch": async (world) => {
    const widgets = await installWidgets(world);
    await world.call("POST", widgets, { body: widget(world, "a") });
    expectRefusal(await world.call("PATCH", `${widgets}/a`, { type: STRATEGIC, body: { spec: { size: 2 } } }), 415, {
      reason: "UnsupportedMediaType",
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    });
  },
  "a merge patch of a custom kind fills defaults again": async (world) => {
    const widgets = await installWidgets(world);
    await world.call("POST", widgets, { body: widget(world, "a", { size: 1, replicas: 5 }) });
    expectBody(await world.call("PATCH", `${widgets}/a`, { body: { spec: { replicas: null } } }), 200, {
      spec: { replicas: 1 },
    });
  },
  "a dry patch answers as the real thing and stores nothing": async (world) => {
    const at = await createMap(world);
    expectBody(await world.call("PATCH", `${at}?dryRun=All`, { body: { data: { a: "9" } } }), 200, {
      data: { a: "9" },
    });
    expectBody(await world.call("GET", at), 200, { data: { a: "1" } });
  },
  "a label of a pod can be taken off by a strategic null": async ({ call, path }) => {
    await call("POST", path("pods"), { body: pod("p", {}, { labels: { a: "1", b: "2" } }) });
    const body = { metadata: { labels: { a: null } } };
    const answer = await call("PATCH", `${path("pods")}/p`, { type: STRATEGIC, body });
    assert.deepEqual(expectBody(answer, 200).metadata.labels, { b: "2" });
  },
});
