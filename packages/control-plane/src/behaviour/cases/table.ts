/** What `kubectl get` asks for: Tables and PartialObjectMetadata. What they show of each kind is in columns.ts. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal, itemsAt } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { AGE, columnsOf, rowsOf, TABLE } from "../tables.ts";
import type { Answer, World } from "../world.ts";
import { installWidgets, widget } from "../widgets.ts";

const PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const READY = { type: "Ready", status: "True" };

const TABLE_V1BETA1 = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";

const column = (name: string, type: string, jsonPath: string): JsonObject => ({ name, type, jsonPath });

/** Objects of any form, in columns. */
function installThings(world: World, plural: string, additionalPrinterColumns: JsonObject[]): Promise<string> {
  return installWidgets(world, {
    plural,
    change: (version) => {
      version["schema"] = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
      version["additionalPrinterColumns"] = additionalPrinterColumns;
    },
  });
}

export const tableCases = behaviour("table", {
  "a list comes as a Table with a row for each object": async ({ call, path }) => {
    for (const name of ["a", "b"]) await call("POST", path("secrets"), { body: { metadata: { name } } });
    const answer = await call("GET", path("secrets"), { accept: TABLE });
    expectBody(answer, 200, { kind: "Table", apiVersion: "meta.k8s.io/v1" });
    assert.deepEqual(
      rowsOf(answer).map(({ cells }) => cells[0]),
      ["a", "b"],
    );
    assert.match(answer.body.metadata.resourceVersion, /^\d+$/);
  },
  "the rows of a Table carry metadata unless asked otherwise": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a", { k: "v" }) });
    const get = async (query: string) =>
      rowsOf(await call("GET", `${path("configmaps")}/a${query}`, { accept: TABLE }))[0]?.object;
    assert.deepEqual([(await get(""))?.kind, (await get(""))?.["data"]], ["PartialObjectMetadata", undefined]);
    assert.ok((await get("?includeObject=None")) === null);
    assert.deepEqual((await get("?includeObject=Object"))?.["data"], { k: "v" });
  },
  "an empty Table has its columns": async ({ call, path }) => {
    const answer = await call("GET", path("secrets"), { accept: TABLE });
    assert.deepEqual([columnsOf(answer), rowsOf(answer)], [["Name", "Type", "Data", "Age"], []]);
  },
  "columns say their type and format": async ({ call, path }) => {
    const { body } = await call("GET", path("secrets"), { accept: TABLE });
    const [name, type, data, age] = itemsAt(body, "columnDefinitions");
    assert.deepEqual([name?.["type"], name?.["format"], name?.["priority"]], ["string", "name", 0]);
    assert.deepEqual([type?.["type"], data?.["type"], age?.["type"]], ["string", "string", "string"]);
  },
  "columns of a Role are name and time": async ({ call, path }) => {
    const roles = path("rbac.authorization.k8s.io/v1/roles");
    const { body } = await call("POST", roles, { body: { metadata: { name: "r" } } });
    const answer = await call("GET", `${roles}/r`, { accept: TABLE });
    assert.deepEqual(columnsOf(answer), ["Name", "Created At"]);
    assert.deepEqual(rowsOf(answer)[0]?.cells, ["r", body.metadata.creationTimestamp]);
  },
  "columns of a custom kind are those of its definition": async (world) => {
    const widgets = await installWidgets(world);
    await world.call("POST", widgets, { body: widget(world, "a") });
    const answer = await world.call("GET", widgets, { accept: TABLE });
    assert.deepEqual(columnsOf(answer), ["Name", "Size", "Ready*", "Age"]);
    const [name, size, ready, age] = rowsOf(answer)[0]?.cells ?? [];
    assert.deepEqual([name, size, ready], ["a", 3, null]);
    assert.match(String(age), AGE);
  },
  "a JSON path with a filter finds a condition": async (world) => {
    const widgets = await installWidgets(world);
    await world.call("POST", widgets, { body: widget(world, "a") });
    await world.call("PATCH", `${widgets}/a/status`, { body: { status: { conditions: [READY] } } });
    const answer = await world.call("GET", `${widgets}/a`, { accept: TABLE });
    assert.equal(rowsOf(answer)[0]?.cells[2], "True");
  },
  "a custom kind without columns shows its age": async (world) => {
    const plains = await installWidgets(world, {
      plural: "plains",
      change: (version) => delete version["additionalPrinterColumns"],
    });
    assert.deepEqual(columnsOf(await world.call("GET", plains, { accept: TABLE })), ["Name", "Age"]);
  },
  "one object's metadata alone": async ({ call, path }) => {
    await call("POST", path("configmaps"), { body: configMap("a", { k: "v" }) });
    const answer = await call("GET", `${path("configmaps")}/a`, { accept: PARTIAL });
    const body = expectBody(answer, 200, {
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: { name: "a" },
    });
    assert.deepEqual(Object.keys(body).sort(), ["apiVersion", "kind", "metadata"]);
  },
  "a list's metadata alone": async ({ call, path }) => {
    await call("POST", path("secrets"), { body: { metadata: { name: "a" } } });
    const answer = await call("GET", path("secrets"), { accept: PARTIAL_LIST });
    expectBody(answer, 200, { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" });
    assert.deepEqual(
      itemsAt(answer.body, "items").map(({ kind }) => kind),
      ["PartialObjectMetadata"],
    );
  },
  "a Table can be of an older version": async ({ call, path }) => {
    await call("POST", path("secrets"), { body: { metadata: { name: "a" } } });
    for (const target of [path("secrets"), `${path("secrets")}/a`]) {
      const answer = await call("GET", target, { accept: TABLE_V1BETA1 });
      const apiVersion = "meta.k8s.io/v1beta1";
      expectBody(answer, 200, { kind: "Table", apiVersion });
      assert.deepEqual([rowsOf(answer)[0]?.object?.apiVersion], [apiVersion]);
    }
  },
  "a Table of no known version is not acceptable": async ({ call, path }) => {
    for (const accept of [
      TABLE_V1BETA1.replace("v1beta1", "v2"),
      "application/json;as=Table",
      "application/json;as=Foo",
    ]) {
      expectRefusal(await call("GET", path("secrets"), { accept }), 406, {
        reason: "NotAcceptable",
        message:
          "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
      });
    }
  },
  "includeObject is one of three": async ({ call, path }) => {
    expectRefusal(await call("GET", `${path("secrets")}?includeObject=Foo`, { accept: TABLE }), 400, {
      reason: "BadRequest",
      message:
        "Unable to convert to Table as requested: includeObject: Invalid value: \"Foo\": must be 'Metadata', 'Object', 'None', or empty",
    });
    expectBody(await call("GET", `${path("secrets")}?includeObject=`, { accept: TABLE }), 200, { kind: "Table" });
  },
  "metadata alone is asked for as what it is, a list or not": async ({ call, path }) => {
    await call("POST", path("secrets"), { body: { metadata: { name: "a" } } });
    expectRefusal(await call("GET", path("secrets"), { accept: PARTIAL }), 406, {
      reason: "NotAcceptable",
      message: "you requested PartialObjectMetadata, but the requested object is a list (*core.SecretList)",
    });
    expectRefusal(await call("GET", `${path("secrets")}/a`, { accept: PARTIAL_LIST }), 406, {
      reason: "NotAcceptable",
      message: "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Secret)",
    });
  },
  "what a deletion of many deleted comes as asked for": async ({ call, path }) => {
    const secrets = path("secrets");
    const fill = (): Promise<Answer> => call("POST", secrets, { body: { metadata: { name: "a" } } });
    await fill();
    const table = await call("DELETE", secrets, { accept: TABLE });
    expectBody(table, 200, { kind: "Table" });
    assert.deepEqual([rowsOf(table).length, rowsOf(table)[0]?.cells[0]], [1, "a"]);
    await fill();
    const partial = await call("DELETE", secrets, { accept: PARTIAL_LIST });
    expectBody(partial, 200, { kind: "PartialObjectMetadataList", items: [{ kind: "PartialObjectMetadata" }] });
  },
  "a custom column shows values of its type": async (world) => {
    const things = await installThings(world, "types", [
      column("Text", "string", ".spec.text"),
      column("Integer", "integer", ".spec.integer"),
      column("Number", "number", ".spec.number"),
      column("Boolean", "boolean", ".spec.boolean"),
      column("Date", "date", ".spec.date"),
    ]);
    const cellsOf = async (name: string, spec: JsonObject): Promise<unknown> => {
      const apiVersion = `${world.group}/v1`;
      const { body } = await world.call("POST", things, {
        body: { apiVersion, kind: "Type", metadata: { name }, spec },
      });
      const answer = await world.call("GET", `${things}/${body.metadata.name}`, { accept: TABLE });
      return rowsOf(answer)[0]?.cells.slice(1);
    };
    const years = "2999-01-01T00:00:00Z";
    assert.deepEqual(await cellsOf("a", { text: "x", integer: 3, number: 1.5, boolean: true, date: years }), [
      "x",
      3,
      1.5,
      true,
      "<invalid>",
    ]);
    assert.deepEqual(await cellsOf("b", { text: { k: [1] }, integer: 1.5, number: 3, boolean: "true", date: "soon" }), [
      '{"k":[1]}',
      1,
      3,
      null,
      "<invalid>",
    ]);
    assert.deepEqual(await cellsOf("c", { text: 5, integer: "3", number: "1", boolean: 1, date: 5 }), [
      "5",
      null,
      null,
      null,
      null,
    ]);
    assert.deepEqual(await cellsOf("d", {}), [null, null, null, null, null]);
  },
  "a custom column may slice, search and compare": async (world) => {
    const things = await installThings(world, "slices", [
      column("Last", "string", ".spec.list[-1:]"),
      column("First", "integer", ".spec.list[0:2]"),
      column("Either", "integer", ".spec.list[1,0]"),
      column("Deep", "string", "..deep"),
      column("Large", "integer", ".spec.list[?(@>1)]"),
    ]);
    const spec = { list: [1, 2, 3], inner: { deep: "x" } };
    const body = { apiVersion: `${world.group}/v1`, kind: "Slice", metadata: { name: "a" }, spec };
    await world.call("POST", things, { body });
    const answer = await world.call("GET", `${things}/a`, { accept: TABLE });
    assert.deepEqual(rowsOf(answer)[0]?.cells.slice(1), ["3", 1, 2, "x", 2]);
  },
  "custom columns end before one that cannot be read": async (world) => {
    const things = await installThings(world, "halves", [
      column("Text", "string", ".spec.text"),
      column("Broken", "string", ".spec["),
      column("Other", "string", ".spec.other"),
    ]);
    const answer = await world.call("GET", things, { accept: TABLE });
    assert.deepEqual(columnsOf(answer), ["Name", "Text"]);
    const [, text] = itemsAt(answer.body, "columnDefinitions");
    assert.equal(text?.["description"], "Custom resource definition column (in JSONPath format): .spec.text");
  },
  "a Status of failure stays a Status": async ({ call, path }) => {
    expectBody(await call("GET", `${path("configmaps")}/none`, { accept: TABLE }), 404, { kind: "Status" });
  },
});
