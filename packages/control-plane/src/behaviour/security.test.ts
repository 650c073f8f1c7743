import assert from "node:assert/strict";
import { test } from "node:test";
import { START } from "./clock.ts";
import { createWorld } from "./test-world.ts";
import type { World } from "./test-world.ts";

const encode = (text: string): string => Buffer.from(text).toString("base64");
const TOKEN = "abcdef.0123456789abcdef";

async function createBootstrapToken(world: World, expiration: number): Promise<void> {
  const data = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    expiration: new Date(expiration).toISOString(),
  };
  const { code } = await world.call("POST", "/api/v1/namespaces/kube-system/secrets", {
    body: {
      apiVersion: "v1",
      kind: "Secret",
      type: "bootstrap.kubernetes.io/token",
      metadata: { name: "bootstrap-token-abcdef" },
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encode(value)])),
    },
  });
  assert.equal(code, 201);
}

test("a wrong token is unauthorized, none at all is anonymous and forbidden", async (t) => {
  const { call } = await createWorld(t);
  const wrong = await call("GET", "/api/v1/nodes", { token: "nonsense" });
  assert.deepEqual([wrong.code, wrong.body["reason"], wrong.body["message"]], [401, "Unauthorized", "Unauthorized"]);
  const none = await call("GET", "/api/v1/nodes", { token: null });
  assert.equal(none.code, 403);
  assert.equal(
    none.body["message"],
    'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
  );
  assert.equal((await call("GET", "/healthz", { token: null })).code, 200);
});

test("a bootstrap token may ask for a certificate and nothing else, until it expires", async (t) => {
  const world = await createWorld(t);
  await createBootstrapToken(world, START + 60_000);
  const asToken = (method: string, path: string) => world.call(method, path, { token: TOKEN });
  assert.equal((await asToken("GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests")).code, 200);
  assert.equal((await asToken("GET", "/api/v1/secrets")).code, 403);
  await world.advance(61_000);
  assert.equal((await asToken("GET", "/apis/certificates.k8s.io/v1/certificatesigningrequests")).code, 401);
});

test("an expired bootstrap token is removed", async (t) => {
  const world = await createWorld(t);
  world.run();
  await createBootstrapToken(world, START + 60_000);
  await world.advance(61_000);
  await world.until("/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef", (secret) => secret === undefined);
});

test("a service account acts under its own name, by the roles bound to it", async (t) => {
  const world = await createWorld(t);
  const { call } = world;
  await call("POST", "/api/v1/namespaces/default/serviceaccounts", {
    body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" } },
  });
  const { body, code } = await call("POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 600 } },
  });
  assert.equal(code, 201);
  const { token } = body["status"] as { token: string };
  const path = "/api/v1/namespaces/default/configmaps";
  const refused = await call("GET", path, { token });
  assert.match(
    String(refused.body["message"]),
    /User "system:serviceaccount:default:robot" cannot list resource "configmaps"/,
  );
  await call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
    body: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "robot-view" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "robot", namespace: "default" }],
    },
  });
  assert.equal((await call("GET", path, { token })).code, 200);
  assert.equal((await call("GET", "/api/v1/namespaces/kube-system/configmaps", { token })).code, 403);
  assert.equal((await call("POST", path, { token, body: {} })).code, 403);
  await world.advance(601_000);
  assert.equal((await call("GET", path, { token })).code, 401);
});

test("an access review answers for the one who asks", async (t) => {
  const { call } = await createWorld(t);
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "get", resource: "pods", namespace: "default" } },
  };
  const { code, body } = await call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { body: review });
  assert.equal(code, 201);
  assert.equal((body["status"] as { allowed: boolean }).allowed, true);
});

test("a body above the limit is refused", async (t) => {
  const { call } = await createWorld(t);
  const body = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "big" },
    data: { k: "x".repeat(4 * 1024 * 1024) },
  };
  assert.equal((await call("POST", "/api/v1/namespaces/default/configmaps", { body })).code, 413);
});
