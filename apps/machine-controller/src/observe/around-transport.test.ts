import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRequest } from "./around-transport.ts";

test("a request is named by verb and resource, never by an object", () => {
  const cases: [method: string, path: string, verb: string, resource: string][] = [
    ["GET", "/api/v1/nodes", "list", "nodes"],
    ["GET", "/api/v1/nodes/a", "get", "nodes"],
    ["GET", "/api/v1/nodes?watch=true", "watch", "nodes"],
    ["GET", "/api/v1/namespaces", "list", "namespaces"],
    ["GET", "/api/v1/namespaces/kube-system", "get", "namespaces"],
    ["POST", "/api/v1/namespaces/a/pods/b/eviction", "create", "pods/eviction"],
    ["PATCH", "/apis/cluster.k8s.io/v1alpha1/namespaces/a/machines/b", "patch", "machines.cluster.k8s.io"],
    ["PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "update", "leases.coordination.k8s.io"],
    ["DELETE", "/apis/cluster.k8s.io/v1alpha1/namespaces/a/machines/b", "delete", "machines.cluster.k8s.io"],
    ["GET", "/version", "get", "other"],
    ["GET", "/apis/cluster.k8s.io/v1alpha1", "get", "other"],
  ];
  for (const [method, path, verb, resource] of cases) {
    assert.deepEqual(describeRequest(method, `https://api${path}`), { verb, resource }, path);
  }
});
