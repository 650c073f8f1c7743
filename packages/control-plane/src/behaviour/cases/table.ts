/** What `kubectl get` asks for: Tables and PartialObjectMetadata. */
import assert from "node:assert/strict";
import type { JsonObject, KubeObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, itemsAt } from "../expect.ts";
import { configMap, deployment, lease, node, pod } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import type { Answer, World } from "../world.ts";

const TABLE =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** The columns, those of wide output with an asterisk. */
function columnsOf({ body }: Answer): string[] {
  return itemsAt(body, "columnDefinitions").map(({ name, priority }) => `${String(name)}${priority === 0 ? "" : "*"}`);
}

function rowsOf({ body }: Answer): { cells: unknown[]; object?: KubeObject | null }[] {
  return body["rows"] as { cells: unknown[]; object?: KubeObject | null }[];
}

const AGE = /^(\d+s|<invalid>)$/;

function shows(options: {
  path(world: World): string;
  body(world: World): JsonObject;
  status?: JsonObject;
  columns: string[];
  cells: unknown[];
}) {
  return async (world: World): Promise<void> => {
    const at = options.path(world);
    const { body } = await world.call("POST", at, { body: options.body(world) });
    const { name } = body.metadata;
    if (options.status !== undefined)
      await world.call("PATCH", `${at}/${name}/status`, { body: { status: options.status } });
    const answer = await world.call("GET", `${at}/${name}`, { accept: TABLE });
    assert.deepEqual(columnsOf(answer), options.columns);
    const cells = rowsOf(answer)[0]?.cells ?? [];
    const shown = cells.map((cell, index) =>
      options.columns[index]?.startsWith("Age") === true && AGE.test(String(cell)) ? "AGE" : cell,
    );
    assert.deepEqual(
      shown.map((cell) => (cell === name ? "NAME" : cell)),
      options.cells,
    );
  };
}

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
  "columns of a ConfigMap": shows({
    path: ({ path }) => path("configmaps"),
    body: () => configMap("a", { x: "1", y: "2" }),
    columns: ["Name", "Data", "Age"],
    cells: ["NAME", 2, "AGE"],
  }),
  "columns of a Node": shows({
    path: () => "/api/v1/nodes",
    body: ({ unique }) =>
      node(unique("n"), { unschedulable: true }, { labels: { "node-role.kubernetes.io/worker": "" } }),
    status: {
      conditions: [READY],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeInfo: {
        kubeletVersion: "v1.36.0",
        osImage: "Some OS",
        kernelVersion: "6.1",
        containerRuntimeVersion: "containerd://2",
        machineID: "",
        systemUUID: "",
        bootID: "",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
    },
    columns: [
      "Name",
      "Status",
      "Roles",
      "Age",
      "Version",
      "Internal-IP*",
      "External-IP*",
      "OS-Image*",
      "Kernel-Version*",
      "Container-Runtime*",
    ],
    cells: [
      "NAME",
      "Ready,SchedulingDisabled",
      "worker",
      "AGE",
      "v1.36.0",
      "10.0.0.1",
      "<none>",
      "Some OS",
      "6.1 (amd64)",
      "containerd://2",
    ],
  }),
  "columns of a Pod": shows({
    path: ({ path }) => path("pods"),
    body: () => pod("p"),
    columns: ["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*", "Nominated Node*", "Readiness Gates*"],
    cells: ["NAME", "0/1", "Pending", "0", "AGE", "<none>", "<none>", "<none>", "<none>"],
  }),
  "columns of a Deployment": shows({
    path: ({ path }) => path("apps/v1/deployments"),
    body: () => deployment("d"),
    columns: ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers*", "Images*", "Selector*"],
    cells: ["NAME", "0/0", 0, 0, "AGE", "app", "registry.example/app:1", "app=d"],
  }),
  "columns of a Lease": shows({
    path: ({ path }) => path("coordination.k8s.io/v1/leases"),
    body: () => lease("l", { holderIdentity: "me" }),
    columns: ["Name", "Holder", "Age"],
    cells: ["NAME", "me", "AGE"],
  }),
  "columns of a Namespace": shows({
    path: () => "/api/v1/namespaces",
    body: ({ unique }) => ({ metadata: { name: unique("x") } }),
    columns: ["Name", "Status", "Age"],
    cells: ["NAME", "Active", "AGE"],
  }),
  "columns of a ServiceAccount": shows({
    path: ({ path }) => path("serviceaccounts"),
    body: () => ({ metadata: { name: "sa" } }),
    columns: ["Name", "Age"],
    cells: ["NAME", "AGE"],
  }),
  "columns of a PodDisruptionBudget": shows({
    path: ({ path }) => path("policy/v1/poddisruptionbudgets"),
    body: () => ({ metadata: { name: "b" }, spec: { minAvailable: 1, selector: { matchLabels: { a: "b" } } } }),
    columns: ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
    cells: ["NAME", "1", "N/A", 0, "AGE"],
  }),
  "columns of a RoleBinding": shows({
    path: ({ path }) => path("rbac.authorization.k8s.io/v1/rolebindings"),
    body: () => ({
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [
        { kind: "User", name: "u" },
        { kind: "Group", name: "g" },
        { kind: "ServiceAccount", name: "s", namespace: "n" },
      ],
    }),
    columns: ["Name", "Role", "Age", "Users*", "Groups*", "ServiceAccounts*"],
    cells: ["NAME", "ClusterRole/view", "AGE", "u", "g", "n/s"],
  }),
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
