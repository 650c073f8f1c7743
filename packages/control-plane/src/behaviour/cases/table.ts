/** What `kubectl get` asks for: Tables and PartialObjectMetadata. What they show of each kind is in columns.ts. */
import assert from "node:assert/strict";
import { behaviour } from "../behaviour.ts";
import { expectBody, itemsAt } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { AGE, columnsOf, rowsOf, TABLE } from "../tables.ts";
import { installWidgets, widget } from "../widgets.ts";

const PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const READY = { type: "Ready", status: "True" };

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
  "a Status of failure stays a Status": async ({ call, path }) => {
    expectBody(await call("GET", `${path("configmaps")}/none`, { accept: TABLE }), 404, { kind: "Status" });
  },
});
