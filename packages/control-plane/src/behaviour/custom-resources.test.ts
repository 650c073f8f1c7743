import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../object.ts";
import { createWorld, installWidgets, widget, widgetDefinition, WIDGETS } from "./test-world.ts";

test("a definition is established and served at once", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const { body } = await world.call(
    "GET",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
  );
  const { conditions, storedVersions } = body["status"] as { conditions: JsonObject[]; storedVersions: string[] };
  assert.deepEqual(
    conditions.map(({ type, status }) => `${String(type)}=${String(status)}`),
    ["NamesAccepted=True", "Established=True"],
  );
  assert.deepEqual(storedVersions, ["v1"]);
  const { body: discovery } = await world.call("GET", "/apis/example.com/v1");
  assert.deepEqual(
    (discovery["resources"] as { name: string }[]).map(({ name }) => name),
    ["widgets", "widgets/status", "widgets/scale"],
  );
});

test("defaults are filled, unknown fields pruned, free-form parts kept", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const spec = { size: 2, typo: 1, free: { any: { thing: true } }, port: "http", note: null };
  const { body, headers } = await world.call("POST", WIDGETS, { body: widget("a", spec) });
  assert.deepEqual(body["spec"], {
    size: 2,
    replicas: 1,
    color: "red",
    free: { any: { thing: true } },
    port: "http",
    note: null,
  });
  assert.equal(headers.get("warning"), '299 - "unknown field \\"spec.typo\\""');
});

test("strict field validation refuses unknown fields", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const { code, body } = await world.call("POST", `${WIDGETS}?fieldValidation=Strict`, {
    body: widget("a", { size: 2, typo: 1 }),
  });
  assert.equal(code, 400);
  assert.equal(
    body["message"],
    'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.typo"',
  );
});

test("schema violations are told in the API server's words, one cause each", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  const cases: [JsonObject, string][] = [
    [{ size: "big" }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ size: 11 }, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"],
    [{}, "spec.size: Required value"],
    [{ size: 1, color: "green" }, 'spec.color: Unsupported value: "green": supported values: "red", "blue"'],
  ];
  for (const [spec, problem] of cases) {
    const { code, body } = await world.call("POST", WIDGETS, { body: widget("x", spec) });
    assert.equal(code, 422);
    assert.equal(body["message"], `Widget.example.com "x" is invalid: ${problem}`);
    const { causes, kind, group } = body["details"] as { causes: JsonObject[]; kind: string; group: string };
    assert.deepEqual([causes.length, kind, group], [1, "Widget", "example.com"]);
  }
});

test("custom objects insist on a resourceVersion when they are replaced", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  await world.call("POST", WIDGETS, { body: widget("a") });
  const { code, body } = await world.call("PUT", `${WIDGETS}/a`, { body: widget("a", { size: 4 }) });
  assert.equal(code, 422);
  assert.match(String(body["message"]), /metadata.resourceVersion: Invalid value: 0: must be specified for an update$/);
});

test("strategic merge patches are not for custom kinds", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  await world.call("POST", WIDGETS, { body: widget("a") });
  const { code, body } = await world.call("PATCH", `${WIDGETS}/a`, {
    type: "application/strategic-merge-patch+json",
    body: {},
  });
  assert.deepEqual([code, body["reason"]], [415, "UnsupportedMediaType"]);
});

test("tables carry the printer columns, wide ones with priority", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  await world.call("POST", WIDGETS, { body: widget("a") });
  await world.advance(90_000);
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const { body } = await world.call("GET", WIDGETS, { accept });
  const columns = body["columnDefinitions"] as { name: string; priority: number }[];
  assert.deepEqual(
    columns.map(({ name, priority }) => `${name}/${priority}`),
    ["Name/0", "Size/0", "Ready/1", "Age/0"],
  );
  const rows = body["rows"] as { cells: unknown[]; object: KubeObject }[];
  assert.deepEqual(rows[0]?.cells, ["a", 3, null, "90s"]);
  assert.equal(rows[0]?.object.kind, "PartialObjectMetadata");
});

test("a definition that could not be served is refused, field by field", async (t) => {
  const world = await createWorld(t);
  const definition = widgetDefinition((version) => {
    version["additionalPrinterColumns"] = [{ name: "X", type: "string", jsonPath: "spec" }];
    version["schema"] = {
      openAPIV3Schema: {
        type: "object",
        properties: { spec: { type: "thing" }, name: { type: "string", pattern: "(" } },
      },
    };
  });
  const { code, body } = await world.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    body: definition,
  });
  assert.equal(code, 422);
  assert.deepEqual(
    (body["details"] as { causes: { field: string }[] }).causes.map(({ field }) => field),
    [
      "spec.additionalPrinterColumns[0].JSONPath",
      "spec.validation.openAPIV3Schema.properties[spec].type",
      "spec.validation.openAPIV3Schema.properties[name].pattern",
    ],
  );
});

test("a deleted definition takes its objects along", async (t) => {
  const world = await createWorld(t);
  world.run();
  await installWidgets(world);
  const held = { ...widget("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } };
  await world.call("POST", WIDGETS, { body: held });
  const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
  await world.call("DELETE", definition);
  await world.until(`${WIDGETS}/a`, (object) => object?.metadata.deletionTimestamp !== undefined);
  assert.equal((await world.call("GET", definition)).code, 200);
  await world.call("PATCH", `${WIDGETS}/a`, {
    type: "application/merge-patch+json",
    body: { metadata: { finalizers: null } },
  });
  await world.until(definition, (object) => object === undefined);
  await installWidgets(world);
  assert.equal((await world.call("GET", `${WIDGETS}/a`)).code, 404);
});

test("a new default reaches objects that were stored before it", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  await world.call("POST", WIDGETS, { body: widget("a") });
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
  await world.call("PATCH", path, {
    type: "application/json-patch+json",
    body: [
      {
        op: "add",
        path: "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/shape",
        value: { type: "string", default: "round" },
      },
    ],
  });
  const { body } = await world.call("GET", `${WIDGETS}/a`);
  assert.equal((body["spec"] as JsonObject)["shape"], "round");
});
