/** What clients learn of the server: versions, groups, resources, OpenAPI documents, health. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal, itemsAt } from "../expect.ts";
import { installWidgets } from "../widgets.ts";
import type { World } from "../world.ts";

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

async function resourceOf({ call }: World, root: string, name: string): Promise<JsonObject | undefined> {
  return itemsAt(expectBody(await call("GET", root), 200, { kind: "APIResourceList" }), "resources").find(
    (resource) => resource["name"] === name,
  );
}

const ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export const discoveryCases = behaviour("discovery", {
  "built-in kinds and their fields are explained": async ({ call }) => {
    const fields: [path: string, schema: string, names: string[]][] = [
      ["api/v1", "core.v1.Pod", ["spec", "metadata"]],
      ["api/v1", "core.v1.PodSpec", ["containers", "nodeName", "tolerations", "securityContext"]],
      ["api/v1", "core.v1.NodeStatus", ["conditions", "addresses", "nodeInfo"]],
      ["api/v1", "core.v1.Secret", ["data", "type"]],
      ["api/v1", "core.v1.Event", ["reason", "involvedObject"]],
      ["apis/apps/v1", "apps.v1.DeploymentSpec", ["replicas", "strategy"]],
      ["apis/events.k8s.io/v1", "events.v1.Event", ["action", "regarding"]],
      ["apis/policy/v1", "policy.v1.PodDisruptionBudgetSpec", ["minAvailable"]],
    ];
    for (const [path, name, names] of fields) {
      const { body } = await call("GET", `/openapi/v3/${path}`);
      const schemas = (body["components"] as JsonObject)["schemas"] as JsonObject;
      const schema = schemas[`io.k8s.api.${name}`] as JsonObject;
      const properties = schema["properties"] as Record<string, JsonObject>;
      for (const words of [schema, ...names.map((field) => properties[field])]) {
        assert.match(String(words?.["description"]), /^[A-Za-z].{20}/s, `${name} ${names.join()}`);
      }
    }
  },
  "the version is that of Kubernetes 1.36": async ({ call }) => {
    const body = expectBody(await call("GET", "/version"), 200, { major: "1", minor: "36" });
    assert.match(String(body["gitVersion"]), /^v1\.36\./);
    const fields =
      "major minor emulationMajor emulationMinor minCompatibilityMajor minCompatibilityMinor gitVersion gitCommit " +
      "gitTreeState buildDate goVersion compiler platform";
    assert.deepEqual(Object.keys(body), fields.split(" "));
  },
  "the core API has one version": async ({ call }) => {
    expectBody(await call("GET", "/api"), 200, { kind: "APIVersions", versions: ["v1"] });
  },
  "groups name their preferred version": async ({ call }) => {
    const body = expectBody(await call("GET", "/apis"), 200, { kind: "APIGroupList", apiVersion: "v1" });
    const apps = itemsAt(body, "groups").find(({ name }) => name === "apps");
    assert.partialDeepStrictEqual(apps, {
      versions: [{ groupVersion: "apps/v1", version: "v1" }],
      preferredVersion: { groupVersion: "apps/v1", version: "v1" },
    });
  },
  "one group by itself": async ({ call }) => {
    expectBody(await call("GET", "/apis/apps"), 200, { kind: "APIGroup", apiVersion: "v1", name: "apps" });
    assert.equal((await call("GET", "/apis/none.example.com")).status, 404);
  },
  "core resources with short names, categories and verbs": async (world) => {
    const pods = await resourceOf(world, "/api/v1", "pods");
    assert.partialDeepStrictEqual(pods, {
      singularName: "pod",
      namespaced: true,
      kind: "Pod",
      shortNames: ["po"],
      categories: ["all"],
    });
    assert.deepEqual(pods?.["verbs"], ALL);
    assert.partialDeepStrictEqual(await resourceOf(world, "/api/v1", "nodes"), {
      namespaced: false,
      shortNames: ["no"],
    });
    assert.deepEqual(
      (await resourceOf(world, "/api/v1", "namespaces"))?.["verbs"],
      ALL.filter((verb) => verb !== "deletecollection"),
    );
  },
  "subresources with their kinds": async (world) => {
    assert.partialDeepStrictEqual(await resourceOf(world, "/api/v1", "pods/eviction"), {
      group: "policy",
      version: "v1",
      kind: "Eviction",
      verbs: ["create"],
    });
    assert.partialDeepStrictEqual(await resourceOf(world, "/api/v1", "serviceaccounts/token"), {
      group: "authentication.k8s.io",
      version: "v1",
      kind: "TokenRequest",
    });
    assert.partialDeepStrictEqual(await resourceOf(world, "/apis/apps/v1", "deployments/scale"), {
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
      verbs: ["get", "patch", "update"],
    });
    assert.partialDeepStrictEqual(await resourceOf(world, "/api/v1", "nodes/status"), {
      kind: "Node",
      verbs: ["get", "patch", "update"],
    });
  },
  "reviews can only be created": async (world) => {
    assert.deepEqual((await resourceOf(world, "/apis/authorization.k8s.io/v1", "subjectaccessreviews"))?.["verbs"], [
      "create",
    ]);
  },
  "a new kind is discovered": async (world) => {
    await installWidgets(world);
    const root = `/apis/${world.group}/v1`;
    await world.until(root, (list) => itemsAt(list, "resources").length === 3);
    assert.partialDeepStrictEqual(await resourceOf(world, root, "widgets"), {
      singularName: "widget",
      namespaced: true,
      kind: "Widget",
    });
    assert.partialDeepStrictEqual(await resourceOf(world, root, "widgets/scale"), {
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
    });
    assert.deepEqual(
      itemsAt((await world.call("GET", root)).body, "resources")
        .map(({ name }) => String(name))
        .sort(),
      ["widgets", "widgets/scale", "widgets/status"],
    );
    expectBody(await world.call("GET", `/apis/${world.group}`), 200, { preferredVersion: { version: "v1" } });
  },
  "aggregated discovery has all groups in one document": async ({ call }) => {
    const answer = await call("GET", "/apis", { accept: AGGREGATED });
    expectBody(answer, 200, { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
    assert.match(answer.headers.get("content-type") ?? "", /g=apidiscovery\.k8s\.io;v=v2;as=APIGroupDiscoveryList/);
    const apps = itemsAt(answer.body, "items").find((item) => valueAt(item, "metadata.name") === "apps");
    const [version] = itemsAt(apps, "versions");
    assert.equal(version?.["version"], "v1");
    const deployments = itemsAt(version, "resources").find(({ resource }) => resource === "deployments");
    assert.partialDeepStrictEqual(deployments, {
      responseKind: { kind: "Deployment" },
      scope: "Namespaced",
      singularResource: "deployment",
      shortNames: ["deploy"],
      categories: ["all"],
    });
    assert.deepEqual(
      itemsAt(deployments, "subresources")
        .map(({ subresource }) => String(subresource))
        .sort(),
      ["scale", "status"],
    );
  },
  "aggregated discovery of the core group": async ({ call }) => {
    const { body } = await call("GET", "/api", { accept: AGGREGATED });
    const [core] = itemsAt(body, "items");
    const resources = itemsAt(itemsAt(core, "versions")[0], "resources").map(({ resource }) => resource);
    for (const name of ["pods", "nodes", "secrets", "configmaps", "events"]) assert.ok(resources.includes(name), name);
  },
  "aggregated discovery learns of a new kind": async (world) => {
    await installWidgets(world);
    const deadline = performance.now() + 10_000;
    for (;;) {
      const { body } = await world.call("GET", "/apis", { accept: AGGREGATED });
      if (itemsAt(body, "items").some((item) => valueAt(item, "metadata.name") === world.group)) return;
      assert.ok(performance.now() < deadline);
    }
  },
  "OpenAPI v3 has a document for each group version": async ({ call }) => {
    const { paths } = expectBody(await call("GET", "/openapi/v3"), 200) as unknown as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    const url = paths["apis/apps/v1"]?.serverRelativeURL ?? "";
    assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
    const body = expectBody(await call("GET", url), 200);
    assert.match(String(body["openapi"]), /^3\.0/);
    assert.ok("/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in (body["paths"] as JsonObject));
    const schemas = (body["components"] as { schemas: Record<string, JsonObject> }).schemas;
    assert.deepEqual(schemas["io.k8s.api.apps.v1.Deployment"]?.["x-kubernetes-group-version-kind"], [
      { group: "apps", kind: "Deployment", version: "v1" },
    ]);
  },
  "OpenAPI v3 has the schema of a new kind": async (world) => {
    await installWidgets(world);
    const at = `/openapi/v3/apis/${world.group}/v1`;
    await world.until(at, (document) => document !== undefined);
    const { body } = await world.call("GET", at);
    const schemas = (body["components"] as { schemas: Record<string, JsonObject> }).schemas;
    const name = `${world.group.split(".").toReversed().join(".")}.v1.Widget`;
    assert.partialDeepStrictEqual(schemas[name], {
      type: "object",
      properties: {
        spec: { type: "object", required: ["size"], properties: { size: { type: "integer", maximum: 10 } } },
      },
      "x-kubernetes-group-version-kind": [{ group: world.group, version: "v1", kind: "Widget" }],
    });
    const get = valueAt(body["paths"], "") as JsonObject;
    const put = get[`/apis/${world.group}/v1/namespaces/{namespace}/widgets/{name}`] as JsonObject;
    assert.deepEqual(
      Object.keys(put)
        .filter((key) => key !== "parameters")
        .sort(),
      ["delete", "get", "patch", "put"],
    );
  },
  "OpenAPI v2 has definitions": async ({ call }) => {
    const body = expectBody(await call("GET", "/openapi/v2"), 200, { swagger: "2.0" });
    assert.ok("io.k8s.api.core.v1.Pod" in (body["definitions"] as JsonObject));
    assert.ok("/api/v1/namespaces/{namespace}/pods" in (body["paths"] as JsonObject));
  },
  "health is told to everyone": async ({ call }) => {
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const answer = await call("GET", path, { token: null });
      assert.deepEqual([answer.status, answer.body["content"]], [200, "ok"]);
    }
  },
  "the root lists paths": async ({ call }) => {
    const { paths } = expectBody(await call("GET", "/"), 200) as unknown as { paths: string[] };
    for (const path of ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]) assert.ok(paths.includes(path), path);
  },
  "a path that is not there is not found": async ({ call }) => {
    const answer = await call("GET", "/apis/apps/v9");
    assert.equal(answer.status, 404);
    expectRefusal(await call("GET", "/apis/apps/v9/deployments"), 404, {
      reason: "NotFound",
      message: "the server could not find the requested resource",
    });
  },
  "a group that is not there is not found, in plain words": async ({ call }) => {
    const answer = await call("GET", "/apis/none.example.com/v1/things");
    assert.deepEqual([answer.status, answer.body["content"]], [404, "404 page not found\n"]);
  },
  "OpenAPI v3 describes the fields of built-in kinds": async ({ call }) => {
    const { body } = await call("GET", "/openapi/v3/api/v1");
    const schemas = valueAt(body, "components.schemas") as Record<string, JsonObject>;
    const { properties } = schemas["io.k8s.api.core.v1.PodSpec"] as { properties: Record<string, JsonObject> };
    assert.partialDeepStrictEqual(properties["containers"], {
      type: "array",
      items: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Container" }] },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
    const pod = schemas["io.k8s.api.core.v1.Pod"];
    assert.deepEqual(pod?.["x-kubernetes-group-version-kind"], [{ group: "", version: "v1", kind: "Pod" }]);
  },
});
