import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createWorld, installWidgets, widget, WIDGETS } from "./test-world.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const TYPES = [
  "application/json",
  "application/yaml",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/vnd.kubernetes.protobuf",
  "text/html",
];
const PATHS = [
  "/api/v1/namespaces/default/configmaps",
  "/api/v1/namespaces/default/configmaps/a",
  "/api/v1/namespaces/default/pods/a/eviction",
  "/api/v1/namespaces/default/serviceaccounts/a/token",
  "/api/v1/nodes/a/status",
  "/apis/apps/v1/namespaces/default/deployments/a/scale",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
  "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  "/apis/certificates.k8s.io/v1/certificatesigningrequests",
  WIDGETS,
  `${WIDGETS}/a`,
  `${WIDGETS}/a/status`,
  `${WIDGETS}/a/scale`,
  "/openapi/v3/apis/example.com/v1",
  "/apis",
];
const QUERIES = [
  "fieldManager",
  "labelSelector",
  "fieldSelector",
  "limit",
  "continue",
  "resourceVersion",
  "dryRun",
  "force",
];

const shape = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), tie("object")),
  object: fc.dictionary(
    fc.constantFrom(
      "metadata",
      "spec",
      "status",
      "name",
      "labels",
      "finalizers",
      "ownerReferences",
      "versions",
      "names",
      "schema",
      "rules",
      "size",
      "$patch",
      "op",
      "path",
      "replicas",
      "managedFields",
      "containers",
      "resourceVersion",
      "__proto__",
      "constructor",
    ),
    tie("value"),
  ),
}));

const attack = fc.record({
  method: fc.constantFrom(...METHODS),
  path: fc.oneof(fc.constantFrom(...PATHS), fc.webPath()),
  type: fc.constantFrom(...TYPES),
  query: fc.dictionary(fc.constantFrom(...QUERIES), fc.oneof(fc.string(), fc.constantFrom("All", "true", "0", "9999"))),
  body: fc.oneof(
    fc.string(),
    shape.object.map((value) => JSON.stringify(value)),
    shape.object.map((value) => JSON.stringify({ apiVersion: "example.com/v1", kind: "Widget", ...(value as object) })),
    fc.array(shape.object).map((value) => JSON.stringify(value)),
  ),
});

test("whatever is sent, the answer is a Status or an object, never an internal error", async (t) => {
  const world = await createWorld(t);
  await installWidgets(world);
  await world.call("POST", WIDGETS, { body: widget("a") });
  await fc.assert(
    fc.asyncProperty(attack, async ({ method, path, type, query, body }) => {
      const hasBody = method !== "GET" && method !== "HEAD";
      const { code, body: answer } = await world.call(method, `${path}?${new URLSearchParams(query).toString()}`, {
        type,
        ...(hasBody ? { body } : {}),
      });
      assert.ok(code < 500 || code === 504, `${code} ${JSON.stringify(answer)}`);
    }),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 150), seed: 7 },
  );
});
