/** CustomResourceDefinitions: their status, what is refused, versions, and what becomes of their objects. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, itemsAt, namesOf } from "../expect.ts";
import { definition, DEFINITIONS, install, installWidgets, widget, widgetVersion } from "../widgets.ts";
import type { World } from "../world.ts";

function refused(change: (version: JsonObject) => void) {
  return (world: World, index: string) =>
    world.call("POST", DEFINITIONS, { body: definition(world, { plural: `r${index}s`, change }) });
}

function schema(properties: JsonObject): (version: JsonObject) => void {
  return (version) => {
    version["schema"] = { openAPIV3Schema: { type: "object", properties } };
  };
}

function terminating(object: unknown): string | undefined {
  const condition = itemsAt(object, "status.conditions").find(({ type }) => type === "Terminating");
  return condition && `${String(condition["status"])} ${String(condition["reason"])}`;
}

export const definitionCases = behaviour("definitions", {
  "a definition is accepted and established, with its names filled in": async (world) => {
    await installWidgets(world);
    const body = expectBody(await world.call("GET", `${DEFINITIONS}/widgets.${world.group}`), 200);
    const conditions = itemsAt(body, "status.conditions").map(
      ({ type, status, reason }) => `${String(type)}=${String(status)} ${String(reason)}`,
    );
    assert.deepEqual(conditions, ["NamesAccepted=True NoConflicts", "Established=True InitialNamesAccepted"]);
    assert.partialDeepStrictEqual(body["status"], {
      storedVersions: ["v1"],
      acceptedNames: { kind: "Widget", plural: "widgets", singular: "widget", listKind: "WidgetList" },
    });
    assert.partialDeepStrictEqual(body["spec"], { conversion: { strategy: "None" }, names: { singular: "widget" } });
    assert.deepEqual(body.metadata.finalizers, undefined);
  },
  "whoever uses a deprecated version is warned": async (world) => {
    const { call, path } = world;
    const warned = async (method: string, at: string, body?: JsonObject): Promise<string | null> =>
      (await call(method, at, body === undefined ? {} : { body })).headers.get("warning");
    const endpoints = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
    assert.equal(await warned("GET", path("endpoints")), endpoints);
    assert.equal(await warned("POST", path("endpoints"), { metadata: { name: "a" } }), endpoints);
    assert.equal(await warned("GET", `${path("endpoints")}/absent`), endpoints);
    assert.equal(await warned("GET", path("configmaps")), null);
    const old = await installWidgets(world, {
      plural: "relics",
      change: (version) => Object.assign(version, { deprecated: true }),
    });
    assert.equal(await warned("GET", old), `299 - "${world.group}/v1 Relic is deprecated"`);
    const worded = await installWidgets(world, {
      plural: "antiques",
      change: (version) => Object.assign(version, { deprecated: true, deprecationWarning: "use something else" }),
    });
    assert.equal(await warned("GET", worded), '299 - "use something else"');
  },
  "the name must be plural and group": async (world) => {
    const body = definition(world, { plural: "names" });
    (body["metadata"] as JsonObject)["name"] = `other.${world.group}`;
    expectInvalid(await world.call("POST", DEFINITIONS, { body }), [
      {
        field: "metadata.name",
        reason: "FieldValueInvalid",
        message: `Invalid value: "other.${world.group}": must be spec.names.plural+"."+spec.group`,
      },
    ]);
  },
  "a type that is none is refused": async (world) => {
    const answer = await refused(schema({ spec: { type: "thing" } }))(world, "a");
    assert.equal(answer.status, 422);
    assert.match(
      String(answer.body["message"]),
      /properties\[spec\]\.type: Unsupported value: "thing": supported values: "array", "boolean", "integer", "number", "object", "string"/,
    );
  },
  "a property without a type is refused": async (world) => {
    expectInvalid(await refused(schema({ spec: {} }))(world, "b"), [
      {
        field: "spec.validation.openAPIV3Schema.properties[spec].type",
        reason: "FieldValueRequired",
        message: "Required value: must not be empty for specified object fields",
      },
    ]);
  },
  "a definition without a schema is refused": async (world) => {
    expectInvalid(await refused((version) => delete version["schema"])(world, "c"), [
      { field: "spec.versions[0].schema.openAPIV3Schema", reason: "FieldValueRequired", message: "Required value" },
    ]);
  },
  "a default that breaks its own schema is refused": async (world) => {
    const answer = await refused(schema({ spec: { type: "integer", default: "x" } }))(world, "d");
    assert.equal(answer.status, 422);
    assert.match(
      String(answer.body["message"]),
      /properties\[spec\]\.default: Invalid value: "string": .*must be of type integer: "string"/,
    );
  },
  "a printer column without a path is refused": async (world) => {
    const change = (version: JsonObject): void => {
      version["additionalPrinterColumns"] = [{ name: "X", type: "string" }];
    };
    expectInvalid(await refused(change)(world, "e"), [
      { field: "spec.additionalPrinterColumns[0].JSONPath", reason: "FieldValueRequired", message: "Required value" },
    ]);
  },
  "exactly one version is the stored one": async (world) => {
    const answer = await refused((version) => {
      version["storage"] = false;
    })(world, "f");
    assert.equal(answer.status, 422);
    assert.match(
      String(answer.body["message"]),
      /spec\.versions: Invalid value: .*must have exactly one version marked as storage version/,
    );
  },
  "the scope cannot change": async (world) => {
    await installWidgets(world);
    const answer = await world.call("PATCH", `${DEFINITIONS}/widgets.${world.group}`, {
      body: { spec: { scope: "Cluster" } },
    });
    expectInvalid(answer, [
      { field: "spec.scope", reason: "FieldValueInvalid", message: 'Invalid value: "Cluster": field is immutable' },
    ]);
  },
  "objects of a cluster-wide kind have no namespace": async (world) => {
    const hubs = await installWidgets(world, { plural: "hubs", scope: "Cluster" });
    const body = expectBody(
      await world.call("POST", hubs, { body: { ...widget(world, "a", { size: 1 }), kind: "Hub" } }),
      201,
    );
    assert.equal(body.metadata.namespace, undefined);
    const inside = await world.call("POST", world.path(`${world.group}/v1/hubs`), {
      body: { ...widget(world, "b", { size: 1 }), kind: "Hub" },
    });
    assert.equal(inside.status, 404);
  },
  "every served version shows every object": async (world) => {
    const version = (name: string, storage: boolean): JsonObject => ({ ...widgetVersion(), name, storage });
    const twins = await installWidgets(world, {
      plural: "twins",
      versions: [version("v1", true), version("v2", false)],
    });
    await world.call("POST", twins, { body: { ...widget(world, "a", { size: 1 }), kind: "Twin" } });
    const second = world.path(`${world.group}/v2/twins`);
    expectBody(await world.call("GET", `${second}/a`), 200, { apiVersion: `${world.group}/v2`, spec: { size: 1 } });
    expectBody(await world.call("PATCH", `${second}/a`, { body: { spec: { size: 2 } } }), 200);
    expectBody(await world.call("GET", `${twins}/a`), 200, { apiVersion: `${world.group}/v1`, spec: { size: 2 } });
  },
  "a version that is not served is not found": async (world) => {
    const version = (name: string, served: boolean): JsonObject => ({
      ...widgetVersion(),
      name,
      served,
      storage: served,
    });
    await installWidgets(world, { plural: "olds", versions: [version("v1", true), version("v1beta1", false)] });
    assert.equal((await world.call("GET", world.path(`${world.group}/v1beta1/olds`))).status, 404);
  },
  "a new stored version is remembered beside the old one": async (world) => {
    const version = (name: string, storage: boolean): JsonObject => ({ ...widgetVersion(), name, storage });
    await install(world, definition(world, { plural: "moves", versions: [version("v1", true), version("v2", false)] }));
    const at = `${DEFINITIONS}/moves.${world.group}`;
    await world.call("PATCH", at, { body: { spec: { versions: [version("v1", false), version("v2", true)] } } });
    await world.until(at, (object) => JSON.stringify(object?.["status"]).includes('"storedVersions":["v1","v2"]'));
  },
  "selectableFields are field selectors": async (world) => {
    const change = (version: JsonObject): void => {
      version["selectableFields"] = [{ jsonPath: ".spec.color" }];
    };
    const picks = await installWidgets(world, { plural: "picks", change });
    await world.call("POST", picks, { body: { ...widget(world, "a", { size: 1 }), kind: "Pick" } });
    await world.call("POST", picks, { body: { ...widget(world, "b", { size: 1, color: "blue" }), kind: "Pick" } });
    assert.deepEqual(namesOf(await world.call("GET", `${picks}?fieldSelector=spec.color%3Dblue`)), ["b"]);
    expectBody(await world.call("GET", `${picks}?fieldSelector=spec.size%3D1`), 400, {
      reason: "BadRequest",
    });
  },
  "a new default reaches objects that were stored before it": async (world) => {
    const grows = await installWidgets(world, { plural: "grows" });
    await world.call("POST", grows, { body: { ...widget(world, "a", { size: 1 }), kind: "Grow" } });
    const properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    expectBody(
      await world.call("PATCH", `${DEFINITIONS}/grows.${world.group}`, {
        type: "application/json-patch+json",
        body: [{ op: "add", path: `${properties}/shape`, value: { type: "string", default: "round" } }],
      }),
      200,
    );
    await world.until(`${grows}/a`, (object) => valueAt(object, "spec.shape") === "round");
  },
  "a deleted definition takes its objects along, when their finalizers let it": async (world) => {
    const gones = await installWidgets(world, { plural: "gones" });
    const held = {
      ...widget(world, "a", { size: 1 }),
      kind: "Gone",
      metadata: { name: "a", finalizers: ["example.com/hold"] },
    };
    expectBody(await world.call("POST", gones, { body: held }), 201);
    const at = `${DEFINITIONS}/gones.${world.group}`;
    await world.call("DELETE", at);
    await world.until(`${gones}/a`, (object) => object?.metadata.deletionTimestamp !== undefined);
    await world.until(at, (object) => terminating(object) === "True InstanceDeletionInProgress");
    const late = await world.call("POST", gones, { body: { ...widget(world, "late", { size: 1 }), kind: "Gone" } });
    assert.equal(late.status, 403);
    await world.call("PATCH", `${gones}/a`, { body: { metadata: { finalizers: null } } });
    await world.until(at, (object) => object === undefined);
    await world.until(gones, (list) => list === undefined);
  },
  "two kinds of one group cannot share a name": async (world) => {
    await installWidgets(world);
    const body = definition(world, { plural: "doubles", names: { kind: "Widget" } });
    expectBody(await world.call("POST", DEFINITIONS, { body }), 201);
    await world.until(`${DEFINITIONS}/doubles.${world.group}`, (object) =>
      itemsAt(object, "status.conditions").some(({ type, status }) => type === "NamesAccepted" && status === "False"),
    );
  },
});
