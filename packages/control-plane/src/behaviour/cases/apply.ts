/** Server-side apply: merging, ownership, conflicts, and what is taken back. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { Answer, World } from "../world.ts";

const TYPE = "application/apply-patch+yaml";

function applyAs({ call }: World, manager: string, at: string) {
  return (body: JsonObject, query = ""): Promise<Answer> =>
    call("PATCH", `${at}?fieldManager=${manager}${query}`, { type: TYPE, body });
}

function onMap(world: World, manager: string) {
  const apply = applyAs(world, manager, `${world.path("configmaps")}/a`);
  return (data: JsonObject, query = "", metadata: JsonObject = {}) =>
    apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", ...metadata }, data }, query);
}

function onDeployment(world: World, manager: string) {
  const apply = applyAs(world, manager, `${world.path("apps/v1/deployments")}/d`);
  return (containers: JsonObject[], query = "") => {
    const labels = { app: "d" };
    const template = { metadata: { labels }, spec: { containers } };
    const spec = { selector: { matchLabels: labels }, template };
    return apply({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec }, query);
  };
}

function managers({ body }: Answer): string[] {
  return (body.metadata.managedFields ?? []).map(({ manager, operation }) => `${String(manager)} ${String(operation)}`);
}

function fieldsOf({ body }: Answer, name: string): unknown {
  return body.metadata.managedFields?.find(({ manager }) => manager === name)?.["fieldsV1"];
}

export const applyCases = behaviour("apply", {
  "applying creates, and applying again answers 200": async (world) => {
    const apply = onMap(world, "one");
    expectBody(await apply({ a: "1" }), 201, { data: { a: "1" } });
    expectBody(await apply({ a: "1" }), 200, { data: { a: "1" } });
  },
  "applying merges with what others applied": async (world) => {
    await onMap(world, "one")({ a: "1" });
    const answer = await onMap(world, "two")({ b: "2" });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "1", b: "2" });
    assert.deepEqual(managers(answer), ["one Apply", "two Apply"]);
  },
  "managedFields say who owns what": async (world) => {
    const answer = await onMap(world, "one")({ a: "1" }, "", { labels: { x: "y" } });
    const [entry] = answer.body.metadata.managedFields ?? [];
    assert.deepEqual(
      { ...entry, time: "" },
      {
        manager: "one",
        operation: "Apply",
        apiVersion: "v1",
        time: "",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": { "f:a": {} }, "f:metadata": { "f:labels": { "f:x": {} } } },
      },
    );
  },
  "what a manager no longer applies is removed": async (world) => {
    await onMap(world, "one")({ a: "1", b: "1" });
    const answer = await onMap(world, "one")({ a: "1" });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "1" });
  },
  "what another also applies stays": async (world) => {
    await onMap(world, "one")({ a: "1", b: "1" });
    await onMap(world, "two")({ b: "1" });
    const answer = await onMap(world, "one")({ a: "1" });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "1", b: "1" });
  },
  "changing what another applied conflicts and names it": async (world) => {
    await onMap(world, "one")({ a: "1" });
    expectRefusal(await onMap(world, "two")({ a: "2" }), 409, {
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
      details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".data.a" }] },
    });
  },
  "several conflicts are told at once": async (world) => {
    await onMap(world, "one")({ a: "1", b: "1" });
    const answer = await onMap(world, "two")({ a: "2", b: "2" });
    expectRefusal(answer, 409, {
      reason: "Conflict",
      message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b',
    });
  },
  "applying the same value shares the field": async (world) => {
    await onMap(world, "one")({ a: "1" });
    const answer = await onMap(world, "two")({ a: "1" });
    expectBody(answer, 200);
    assert.deepEqual(managers(answer).sort(), ["one Apply", "two Apply"]);
  },
  "force takes the field over": async (world) => {
    await onMap(world, "one")({ a: "1", b: "1" });
    const answer = await onMap(world, "two")({ a: "2" }, "&force=true");
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "2", b: "1" });
    assert.deepEqual(fieldsOf(answer, "one"), { "f:data": { "f:b": {} } });
    assert.deepEqual(fieldsOf(answer, "two"), { "f:data": { "f:a": {} } });
  },
  "a manager left without fields is forgotten": async (world) => {
    await onMap(world, "one")({ a: "1" });
    assert.deepEqual(managers(await onMap(world, "two")({ a: "2" }, "&force=true")), ["two Apply"]);
  },
  "an update takes over what it changes, and conflicts by its version": async (world) => {
    await onMap(world, "one")({ a: "1", b: "1" });
    const at = `${world.path("configmaps")}/a`;
    const updated = await world.call("PATCH", `${at}?fieldManager=editor`, { body: { data: { a: "2" } } });
    assert.deepEqual(managers(updated), ["one Apply", "editor Update"]);
    assert.deepEqual(fieldsOf(updated, "editor"), { "f:data": { "f:a": {} } });
    expectRefusal(await onMap(world, "one")({ a: "1", b: "1" }), 409, {
      reason: "Conflict",
      message: /^Apply failed with 1 conflict: conflict with "editor" using v1( at .*)?: \.data\.a$/,
    });
  },
  "applying the same twice writes nothing": async (world) => {
    const first = await onMap(world, "one")({ a: "1" });
    const second = await onMap(world, "one")({ a: "1" });
    assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
  },
  "a dry apply stores nothing": async (world) => {
    expectBody(await onMap(world, "one")({ a: "1" }, "&dryRun=All"), 201);
    assert.equal((await world.call("GET", `${world.path("configmaps")}/a`)).status, 404);
  },
  "an apply needs a field manager": async (world) => {
    const at = `${world.path("configmaps")}/a`;
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    expectRefusal(await world.call("PATCH", at, { type: TYPE, body }), 422, {
      reason: "Invalid",
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
  },
  "force is for apply alone": async (world) => {
    await onMap(world, "one")({ a: "1" });
    const at = `${world.path("configmaps")}/a`;
    expectRefusal(await world.call("PATCH", `${at}?force=true`, { body: { data: { a: "2" } } }), 422, {
      reason: "Invalid",
      message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    });
  },
  "a field manager has at most 128 characters": async (world) => {
    const answer = await onMap(world, "m".repeat(129))({ a: "1" });
    expectRefusal(answer, 422, {
      reason: "Invalid",
      message: /fieldManager: Too long: may not be more than 128 bytes$/,
    });
  },
  "managedFields may not be applied": async (world) => {
    const answer = await onMap(world, "one")({ a: "1" }, "", { managedFields: [{ manager: "x" }] });
    expectRefusal(answer, 400, { reason: "BadRequest", message: /metadata\.managedFields must be nil$/ });
  },
  "an apply in YAML is taken": async (world) => {
    const body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n";
    const at = `${world.path("configmaps")}/a?fieldManager=one`;
    expectBody(await world.call("PATCH", at, { type: TYPE, body }), 201, { data: { k: "v" } });
  },
  "a list with keys merges item by item": async (world) => {
    await onDeployment(world, "one")([{ name: "app", image: "registry.example/i:1" }]);
    const answer = await onDeployment(world, "two")([{ name: "side", image: "registry.example/j:1" }]);
    const containers = itemsAt(expectBody(answer, 200), "spec.template.spec.containers");
    assert.deepEqual(
      containers.map(({ name }) => name),
      ["app", "side"],
    );
    const without = await onDeployment(world, "two")([]);
    const left = itemsAt(expectBody(without, 200), "spec.template.spec.containers");
    assert.deepEqual(
      left.map(({ name }) => name),
      ["app"],
    );
  },
  "a conflict in a list names the item by its key": async (world) => {
    await onDeployment(world, "one")([{ name: "app", image: "registry.example/i:1" }]);
    expectRefusal(await onDeployment(world, "two")([{ name: "app", image: "registry.example/i:2" }]), 409, {
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="app"].image',
    });
  },
  "a field of an item that is no longer applied is removed": async (world) => {
    const app = { name: "app", image: "registry.example/i:1" };
    await onDeployment(world, "one")([{ ...app, env: [{ name: "A", value: "1" }], workingDir: "/x" }]);
    const answer = await onDeployment(world, "one")([app]);
    const [container] = itemsAt(expectBody(answer, 200), "spec.template.spec.containers");
    assert.equal(container?.["workingDir"], undefined);
    assert.equal(container?.["env"], undefined);
  },
  "finalizers are a set": async (world) => {
    const apply = (manager: string, finalizers?: string[]) =>
      applyAs(
        world,
        manager,
        `${world.path("configmaps")}/a`,
      )({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "a", ...(finalizers && { finalizers }) },
      });
    await apply("one", ["example.com/a"]);
    const answer = await apply("two", ["example.com/b"]);
    assert.deepEqual(expectBody(answer, 200).metadata.finalizers, ["example.com/a", "example.com/b"]);
    assert.deepEqual(fieldsOf(answer, "two"), { "f:metadata": { "f:finalizers": { 'v:"example.com/b"': {} } } });
    await apply("one");
    assert.equal((await apply("two")).body.metadata.finalizers, undefined);
  },
  "a custom object's default comes back when its field is no longer applied": async (world) => {
    const at = `${await installWidgets(world)}/a`;
    const apply = applyAs(world, "one", at);
    expectBody(await apply(widget(world, "a", { size: 1, replicas: 3 })), 201);
    expectBody(await apply(widget(world, "a", { size: 1 })), 200, { spec: { replicas: 1 } });
  },
  "an invalid object is not applied": async (world) => {
    const at = `${await installWidgets(world)}/a`;
    expectInvalid(await applyAs(world, "one", at)(widget(world, "a", { size: 99 })), [
      { field: "spec.size", reason: "FieldValueInvalid", message: /should be less than or equal to 10$/ },
    ]);
  },
  "status is applied through its own path, under its own entry": async (world) => {
    const at = `${await installWidgets(world)}/a`;
    await applyAs(world, "one", at)(widget(world, "a", { size: 1 }));
    const body = { apiVersion: `${world.group}/v1`, kind: "Widget", metadata: { name: "a" }, status: { phase: "x" } };
    const answer = await applyAs(world, "one", `${at}/status`)(body);
    expectBody(answer, 200, { status: { phase: "x" }, spec: { size: 1 } });
    const entries = answer.body.metadata.managedFields?.map(({ subresource, fieldsV1 }) => [subresource, fieldsV1]);
    assert.deepEqual(entries, [
      [undefined, { "f:spec": { "f:size": {} } }],
      ["status", { "f:status": { "f:phase": {} } }],
    ]);
  },
  "managedFields set to an empty entry are reset": async (world) => {
    await onMap(world, "one")({ a: "1" });
    const answer = await world.call("PATCH", `${world.path("configmaps")}/a`, {
      body: { metadata: { managedFields: [{}] } },
    });
    assert.equal(expectBody(answer, 200).metadata.managedFields, undefined);
  },
  "the manager of an update is the user agent up to its slash": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "1" } };
    const answer = await call("POST", path("configmaps"), { body, userAgent: "robot/7 (x)" });
    assert.deepEqual(managers(answer), ["robot Update"]);
    assert.deepEqual(fieldsOf(answer, "robot"), { "f:data": { ".": {}, "f:a": {} } });
  },
  "an update owns the items of a keyed list": async (world) => {
    const containers = [{ name: "app", image: "registry.example/i", ports: [{ containerPort: 80 }] }];
    const { call, path } = world;
    const answer = await call("POST", path("pods"), { body: { metadata: { name: "p" }, spec: { containers } } });
    const app = valueAt(fieldsOf(answer, "behaviour"), "f:spec.f:containers") as JsonObject;
    assert.deepEqual(Object.keys(app), ['k:{"name":"app"}']);
    assert.partialDeepStrictEqual(app, {
      'k:{"name":"app"}': {
        ".": {},
        "f:name": {},
        "f:image": {},
        "f:ports": { ".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
      },
    });
  },
  "who sends managedFields along says who owned what": async (world) => {
    const { call, path } = world;
    await onMap(world, "one")({ a: "1" });
    const fieldsV1 = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };
    const entry = { manager: "two", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 };
    const body = { metadata: { managedFields: [entry] } };
    const answer = await call("PATCH", `${path("configmaps")}/a?fieldManager=three`, { body });
    assert.deepEqual(managers(answer), ["two Apply"]);
  },
  "a map that was owned as such stays while a key of it is applied": async (world) => {
    const { call, path } = world;
    await onMap(world, "one")({ a: "1", b: "2" });
    const fieldsV1 = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };
    const entry = { manager: "one", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1 };
    await call("PATCH", `${path("configmaps")}/a`, { body: { metadata: { managedFields: [entry] } } });
    const answer = await onMap(world, "one")({ a: "1" });
    assert.deepEqual(expectBody(answer, 200)["data"], { a: "1" });
  },
  "an apply of undeclared fields is refused": async ({ call, path }) => {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, datum: 1 };
    expectRefusal(await call("PATCH", `${path("configmaps")}/a?fieldManager=one`, { type: TYPE, body }), 500, {
      message: "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .datum: field not declared in schema",
    });
  },
  "kubectl takes over what it applied on its own side": async (world) => {
    const { call, path } = world;
    const last = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "1" } };
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(last) };
    const body = { ...last, metadata: { name: "a", annotations } };
    await call("POST", `${path("configmaps")}?fieldManager=kubectl-client-side-apply`, { body });
    const other = await onMap(world, "other")({ a: "2" });
    assert.equal(other.status, 409);
    const { metadata } = expectBody(await onMap(world, "kubectl")({ a: "2" }), 200, { data: { a: "2" } });
    const text = metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"] ?? "";
    assert.equal(
      text,
      `${JSON.stringify({ apiVersion: "v1", data: { a: "2" }, kind: "ConfigMap", metadata: { name: "a" } })}\n`,
    );
  },
});
