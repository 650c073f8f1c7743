/** Lists and maps in patches and applies: which items are one, in what order they come, and what is no list of its kind. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../object.ts";
import { valueAt } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal, itemsAt } from "../expect.ts";
import { configMap, deployment } from "../manifests.ts";
import type { Answer, World } from "../world.ts";

const DEPLOYMENTS = "apps/v1/deployments";
const STRATEGIC = "application/strategic-merge-patch+json";
const CONTAINERS = "spec.template.spec.containers";

function template(containers: readonly unknown[]): JsonObject {
  return { metadata: { labels: { app: "d" } }, spec: { containers, nodeSelector: { none: "none" } } };
}

const named = (names: string): JsonObject[] => names.split("").map((name) => ({ name, image: "i" }));

/** By force. */
function apply(world: World, body: JsonObject, manager = "one"): Promise<Answer> {
  const at = world.path(body["kind"] === "Deployment" ? DEPLOYMENTS : "configmaps");
  const options = { body: JSON.stringify(body), type: "application/apply-patch+yaml" };
  return world.call(
    "PATCH",
    `${at}/${String(valueAt(body, "metadata.name"))}?fieldManager=${manager}&force=true`,
    options,
  );
}

const applyContainers = (world: World, containers: readonly unknown[], manager?: string) => {
  const spec = { selector: { matchLabels: { app: "d" } }, paused: true, replicas: 0 };
  const body = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" } };
  return apply(world, { ...body, spec: { ...spec, template: template(containers) } }, manager);
};

const patchDeployment = (world: World, body: unknown) =>
  world.call("PATCH", `${world.path(DEPLOYMENTS)}/d`, { type: STRATEGIC, body });

const patchContainers = (world: World, spec: JsonObject) => patchDeployment(world, { spec: { template: { spec } } });

function order(answer: Answer, path = CONTAINERS): string {
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
  return itemsAt(answer.body, path)
    .map(({ name }) => String(name))
    .join("");
}

async function createDeployment({ call, path }: World, names: string): Promise<void> {
  const body = deployment("d", { template: template(named(names)) });
  expectBody(await call("POST", path(DEPLOYMENTS), { body }), 201);
}

export const mergingCases = behaviour("merging", {
  "what is applied comes in its order, and what others applied stays where it was": async (world) => {
    assert.equal(order(await applyContainers(world, named("abc"))), "abc");
    assert.equal(order(await applyContainers(world, named("xc"), "two")), "abxc");
    assert.equal(order(await applyContainers(world, named("cx"), "two")), "abcx");
    assert.equal(order(await applyContainers(world, named("ca"))), "cxa");
  },
  "an item may be applied once": async (world) => {
    const start = "failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.template.spec.containers";
    expectRefusal(await applyContainers(world, named("cc")), 500, {
      message: `${start}: duplicate entries for key [name="c"]`,
    });
    const ports = [{ containerPort: 1, name: "x" }, { containerPort: 1 }];
    expectRefusal(await applyContainers(world, [{ name: "c", image: "i", ports }]), 500, {
      message: `${start}[name="c"].ports: duplicate entries for key [containerPort=1,protocol="TCP"]`,
    });
    expectRefusal(await applyContainers(world, [{ name: "c", image: "i" }, "c"]), 500, {
      message: `${start}: element 1: associative list with keys may not have non-map elements`,
    });
    expectRefusal(await applyContainers(world, [{ name: "c", image: 1 }]), 500, {
      message: `${start}[name="c"].image: expected string, got &value.valueUnstructured{Value:1}`,
    });
  },
  "what is applied empty or void is owned as such": async (world) => {
    const { call, path } = world;
    expectBody(await apply(world, configMap("c", { a: "1" })), 201);
    expectBody(await apply(world, configMap("c")), 200);
    const { managedFields = [] } = expectBody(await call("GET", `${path("configmaps")}/c`), 200).metadata;
    assert.deepEqual(
      managedFields.map(({ fieldsV1 }) => fieldsV1),
      [{ "f:data": {} }],
    );
  },
  "managed fields that are none are passed over": async ({ call, path }) => {
    expectBody(await call("POST", path("configmaps"), { body: configMap("c", { a: "1" }) }), 201);
    const entry = { manager: "x", operation: "Zap", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} };
    const answer = await call("PATCH", `${path("configmaps")}/c`, { body: { metadata: { managedFields: [entry] } } });
    const { managedFields = [] } = expectBody(answer, 200).metadata;
    assert.deepEqual(
      managedFields.map(({ manager, operation }) => `${String(manager)} ${String(operation)}`),
      ["behaviour Update"],
    );
  },
  "what a patch adds comes first, unless it says in what order": async (world) => {
    await createDeployment(world, "abc");
    assert.equal(order(await patchContainers(world, { containers: named("x") })), "xabc");
    assert.equal(order(await patchContainers(world, { containers: named("cy") })), "xabcy");
    const ordered = { "$setElementOrder/containers": [{ name: "b" }, { name: "z" }], containers: named("z") };
    assert.equal(order(await patchContainers(world, ordered)), "xabzcy");
    const finalizers = (names: string[]) => patchDeployment(world, { metadata: { finalizers: names } });
    expectBody(await finalizers(["x.y/a"]), 200);
    assert.deepEqual(expectBody(await finalizers(["x.y/b"]), 200).metadata.finalizers, ["x.y/b", "x.y/a"]);
    expectBody(await patchDeployment(world, { metadata: { finalizers: null } }), 200);
  },
  "a directive where there is nothing leaves nothing": async (world) => {
    await createDeployment(world, "a");
    const labels = (body: JsonObject) => patchDeployment(world, { metadata: { labels: body } });
    expectBody(await labels({ $patch: "replace", a: "b" }), 200);
    assert.equal(expectBody(await labels({ $patch: "delete" }), 200).metadata.labels, undefined);
    expectBody(await labels({ a: "b", c: "d" }), 200);
    assert.deepEqual(expectBody(await labels({ $patch: "replace", e: "f" }), 200).metadata.labels, { e: "f" });
    expectRefusal(await labels({ $patch: "merge", a: "b" }), 500, {
      message: "unknown patch type: merge in map: map[$patch:merge a:b]",
    });
    expectRefusal(await patchContainers(world, { containers: [{ image: "i" }] }), 500, {
      message: "map: map[image:i] does not contain declared merge key: name",
    });
  },
  "a deletion takes all items of the key": async ({ call, path }) => {
    const ports = [
      { name: "t", port: 80 },
      { name: "u", port: 80, protocol: "UDP" },
      { name: "v", port: 81 },
    ];
    const body = { metadata: { name: "s" }, spec: { clusterIP: "None", selector: { a: "b" }, ports } };
    expectBody(await call("POST", path("services"), { body }), 201);
    const patch = { spec: { ports: [{ port: 80, $patch: "delete" }] } };
    const answer = await call("PATCH", `${path("services")}/s`, { type: STRATEGIC, body: patch });
    assert.equal(order(answer, "spec.ports"), "v");
  },
  "a scale is held to its kind and to the object's identity": async (world) => {
    const { call, path } = world;
    await createDeployment(world, "a");
    const at = `${path(DEPLOYMENTS)}/d/scale`;
    const put = (body: JsonObject) => call("PUT", at, { body });
    const spec = { replicas: 0 };
    expectBody(await put({ metadata: { name: "d" }, spec }), 200, { kind: "Scale" });
    expectRefusal(await put({ metadata: {}, spec }), 400, {
      reason: "BadRequest",
      message: "the name of the object (d based on URL) was undeterminable: name must be provided",
    });
    expectRefusal(await put({ metadata: { name: "e" }, spec }), 400, {
      reason: "BadRequest",
      message: "the name of the object (e) does not match the name on the URL (d)",
    });
    expectBody(await put({ metadata: { name: "d", resourceVersion: "1" }, spec }), 409, { reason: "Conflict" });
    expectRefusal(await put({ kind: "Zap", apiVersion: "autoscaling/v1", metadata: { name: "d" }, spec }), 400, {
      reason: "BadRequest",
      message:
        'Zap in version "v1" cannot be handled as a Scale: no kind "Zap" is registered for version "autoscaling/v1" in scheme "pkg/runtime/scheme.go:111"',
    });
    const strict = await call("PATCH", `${at}?fieldValidation=Strict`, { body: { spec: { zap: 1 } } });
    expectRefusal(strict, 422, { reason: "Invalid", message: /unknown field "spec.zap"/ });
    const broken = await call("PATCH", at, { body: { spec: { replicas: "x" } } });
    expectRefusal(broken, 422, { reason: "Invalid", message: /cannot unmarshal string/ });
  },
});
