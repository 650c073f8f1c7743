/** Who may do what: roles, bindings, and the reviews of access. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../object.ts";
import { ADMIN_RULES, EDIT_RULES, VIEW_RULES } from "../../security/user-roles.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { configMap } from "../manifests.ts";
import type { Answer, World } from "../world.ts";

const GROUP = "rbac.authorization.k8s.io";
const ROLES = `${GROUP}/v1/roles`;
const BINDINGS = `${GROUP}/v1/rolebindings`;
const AUTHORIZATION = "/apis/authorization.k8s.io/v1";

const user = ({ unique }: World): string => unique("jane");

async function grant(
  world: World,
  rules: JsonObject[],
  subject: JsonObject = { kind: "User", name: user(world), apiGroup: GROUP },
): Promise<void> {
  const { call, path } = world;
  expectBody(await call("POST", path(ROLES), { body: { metadata: { name: "r" }, rules } }), 201);
  const body = { metadata: { name: "b" }, roleRef: { apiGroup: GROUP, kind: "Role", name: "r" }, subjects: [subject] };
  expectBody(await call("POST", path(BINDINGS), { body }), 201);
}

/** A role works once the server's caches know of it. */
async function mayEventually(world: World, resourceAttributes: JsonObject, name = user(world)): Promise<void> {
  const deadline = performance.now() + 10_000;
  const spec = { user: name, resourceAttributes: { namespace: world.namespace, ...resourceAttributes } };
  for (;;) {
    const { body } = await world.call("POST", `${AUTHORIZATION}/subjectaccessreviews`, { body: { spec } });
    if ((body["status"] as { allowed: boolean }).allowed) return;
    assert.ok(performance.now() < deadline, "never allowed");
  }
}

const describe = ({ apiGroups, resources, verbs }: JsonObject): string => JSON.stringify([apiGroups, resources, verbs]);

/** Everybody may ask who they are and what they may do. */
const isOfEverybody = (resources: unknown): boolean => String(resources).startsWith("selfsubject");

const READ: JsonObject = { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] };

const READ_PODS: JsonObject = { verb: "get", resource: "pods" };
const PATH: JsonObject = { path: "/x", verb: "get" };

export const accessCases = behaviour("access", {
  "a role gives its verbs in its namespace and nowhere else": async (world) => {
    const { call, path } = world;
    await grant(world, [READ]);
    await mayEventually(world, { verb: "list", resource: "configmaps" });
    const as = { user: user(world) };
    expectBody(await call("GET", path("configmaps"), { as }), 200);
    expectRefusal(await call("POST", path("configmaps"), { as, body: configMap("a") }), 403, {
      reason: "Forbidden",
      message: `configmaps is forbidden: User "${as.user}" cannot create resource "configmaps" in API group "" in the namespace "${world.namespace}"`,
      details: { kind: "configmaps" },
    });
    assert.equal((await call("GET", "/api/v1/namespaces/default/configmaps", { as })).status, 403);
    assert.equal((await call("GET", "/api/v1/configmaps", { as })).status, 403);
  },
  "a refusal names the object": async (world) => {
    const as = { user: user(world) };
    expectRefusal(await world.call("DELETE", `${world.path("apps/v1/deployments")}/d`, { as }), 403, {
      reason: "Forbidden",
      message: `deployments.apps "d" is forbidden: User "${as.user}" cannot delete resource "deployments" in API group "apps" in the namespace "${world.namespace}"`,
      details: { name: "d", group: "apps", kind: "deployments" },
    });
  },
  "a refusal names the subresource": async (world) => {
    const as = { user: user(world) };
    expectRefusal(await world.call("PATCH", "/api/v1/nodes/n/status", { as, body: {} }), 403, {
      reason: "Forbidden",
      message: `nodes "n" is forbidden: User "${as.user}" cannot patch resource "nodes/status" in API group "" at the cluster scope`,
    });
  },
  "a group is bound": async (world) => {
    const group = world.unique("team");
    await grant(world, [READ], { kind: "Group", name: group, apiGroup: GROUP });
    await world.until(world.path("configmaps"), () => true);
    const as = { user: user(world), groups: [group] };
    const deadline = performance.now() + 10_000;
    while ((await world.call("GET", world.path("configmaps"), { as })).status !== 200)
      assert.ok(performance.now() < deadline);
  },
  "a ServiceAccount is bound": async (world) => {
    await grant(world, [READ], { kind: "ServiceAccount", name: "robot", namespace: world.namespace });
    await mayEventually(
      world,
      { verb: "get", resource: "configmaps" },
      `system:serviceaccount:${world.namespace}:robot`,
    );
  },
  "a rule can be about single names": async (world) => {
    await grant(world, [{ ...READ, resourceNames: ["a"] }]);
    await mayEventually(world, { verb: "get", resource: "configmaps", name: "a" });
    const as = { user: user(world) };
    assert.equal((await world.call("GET", `${world.path("configmaps")}/a`, { as })).status, 404);
    assert.equal((await world.call("GET", `${world.path("configmaps")}/b`, { as })).status, 403);
    assert.equal((await world.call("GET", world.path("configmaps"), { as })).status, 403);
    assert.equal(
      (await world.call("GET", `${world.path("configmaps")}?fieldSelector=metadata.name%3Da`, { as })).status,
      200,
    );
  },
  "a subresource needs a rule of its own": async (world) => {
    await grant(world, [{ apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["*"] }]);
    await mayEventually(world, { verb: "patch", group: "apps", resource: "deployments", subresource: "scale" });
    const as = { user: user(world) };
    const at = `${world.path("apps/v1/deployments")}/d`;
    assert.equal((await world.call("GET", `${at}/scale`, { as })).status, 404);
    assert.equal((await world.call("GET", at, { as })).status, 403);
  },
  "watching is a verb of its own": async (world) => {
    await grant(world, [READ]);
    await mayEventually(world, { verb: "list", resource: "configmaps" });
    const as = { user: user(world) };
    expectRefusal(await world.call("GET", `${world.path("configmaps")}?watch=1`, { as }), 403, {
      reason: "Forbidden",
      message: /cannot watch resource "configmaps"/,
    });
  },
  "a roleRef cannot change": async (world) => {
    await grant(world, [READ]);
    const roleRef = { apiGroup: GROUP, kind: "Role", name: "other" };
    expectInvalid(await world.call("PATCH", `${world.path(BINDINGS)}/b`, { body: { roleRef } }), [
      { field: "roleRef", reason: "FieldValueInvalid", message: /: cannot change roleRef$/ },
    ]);
  },
  "rules may be absent": async ({ call, path }) => {
    const body = expectBody(await call("POST", path(ROLES), { body: { metadata: { name: "r" } } }), 201);
    assert.equal(body["rules"], null);
  },
  "a rule needs verbs": async ({ call, path }) => {
    const rules = [{ apiGroups: [""], resources: ["pods"], verbs: [] }];
    expectInvalid(await call("POST", path(ROLES), { body: { metadata: { name: "r" }, rules } }), [
      {
        field: "rules[0].verbs",
        reason: "FieldValueRequired",
        message: "Required value: verbs must contain at least one value",
      },
    ]);
  },
  "a role of a namespace has no paths": async ({ call, path }) => {
    const rules = [{ nonResourceURLs: ["/x"], verbs: ["get"] }];
    expectInvalid(await call("POST", path(ROLES), { body: { metadata: { name: "r" }, rules } }), [
      {
        field: "rules[0].nonResourceURLs",
        reason: "FieldValueInvalid",
        message: 'Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
      },
    ]);
  },
  "a SelfSubjectAccessReview answers for who asks": async (world) => {
    const spec = { resourceAttributes: { verb: "get", resource: "pods", namespace: world.namespace } };
    const at = `${AUTHORIZATION}/selfsubjectaccessreviews`;
    expectBody(await world.call("POST", at, { body: { spec } }), 201, {
      kind: "SelfSubjectAccessReview",
      spec,
      status: { allowed: true },
    });
    expectBody(await world.call("POST", at, { body: { spec }, as: { user: user(world) } }), 201, {
      status: { allowed: false },
    });
  },
  "a review of access to a path": async (world) => {
    const review = (path: string) =>
      world.call("POST", `${AUTHORIZATION}/selfsubjectaccessreviews`, {
        body: { spec: { nonResourceAttributes: { path, verb: "get" } } },
        as: { user: user(world) },
      });
    expectBody(await review("/version"), 201, { status: { allowed: true } });
    expectBody(await review("/metrics"), 201, { status: { allowed: false } });
  },
  "a review tells which binding allowed": async (world) => {
    await grant(world, [READ]);
    await mayEventually(world, { verb: "list", resource: "configmaps" });
    const spec = {
      user: user(world),
      resourceAttributes: { verb: "list", resource: "configmaps", namespace: world.namespace },
    };
    expectBody(await world.call("POST", `${AUTHORIZATION}/subjectaccessreviews`, { body: { spec } }), 201, {
      status: {
        allowed: true,
        reason: `RBAC: allowed by RoleBinding "b/${world.namespace}" of Role "r" to User "${user(world)}"`,
      },
    });
  },
  "a review needs one question": async ({ call }) => {
    const answer = await call("POST", `${AUTHORIZATION}/subjectaccessreviews`, { body: { spec: { user: "x" } } });
    expectInvalid(answer, [
      {
        field: "spec.resourceAttributes",
        reason: "FieldValueInvalid",
        message: "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
      },
    ]);
  },
  "a review of access to a path names it in the server's own words": async ({ call }) => {
    const spec = { resourceAttributes: READ_PODS, nonResourceAttributes: PATH };
    expectInvalid(await call("POST", `${AUTHORIZATION}/selfsubjectaccessreviews`, { body: { spec } }), [
      {
        field: "spec.nonResourceAttributes",
        reason: "FieldValueInvalid",
        message:
          'Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes',
      },
    ]);
  },
  "a LocalSubjectAccessReview is about its own namespace": async ({ call, namespace }) => {
    const at = `${AUTHORIZATION}/namespaces/${namespace}/localsubjectaccessreviews`;
    const ask = (spec: JsonObject, metadata: JsonObject = {}): Promise<Answer> =>
      call("POST", at, { body: { metadata, spec: { user: "x", ...spec } } });
    expectBody(await ask({ resourceAttributes: { ...READ_PODS, namespace } }), 201, {
      metadata: { namespace },
      status: { allowed: false },
    });
    expectInvalid(await ask({ resourceAttributes: { ...READ_PODS, namespace: "default" } }), [
      {
        field: "spec.resourceAttributes.namespace",
        reason: "FieldValueInvalid",
        message: 'Invalid value: "default": must match metadata.namespace',
      },
    ]);
    expectInvalid(await ask({ nonResourceAttributes: PATH }), [
      {
        field: "spec.nonResourceAttributes",
        reason: "FieldValueInvalid",
        message: 'Invalid value: {"Path":"/x","Verb":"get"}: disallowed on this kind of request',
      },
    ]);
    expectRefusal(await ask({ resourceAttributes: READ_PODS }, { namespace: "default" }), 400, {
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    });
  },
  "a SelfSubjectRulesReview is about a namespace": async ({ call }) => {
    expectRefusal(await call("POST", `${AUTHORIZATION}/selfsubjectrulesreviews`, { body: { spec: {} } }), 400, {
      reason: "BadRequest",
      message: "no namespace on request",
    });
  },
  "an administrator's rules come with everybody's": async ({ call, namespace }) => {
    const answer = await call("POST", `${AUTHORIZATION}/selfsubjectrulesreviews`, { body: { spec: { namespace } } });
    const { spec, metadata } = expectBody(answer, 201, { status: { incomplete: false } });
    assert.deepEqual([spec, metadata], [{}, {}]);
    const resources = itemsAt(answer.body, "status.resourceRules").map((rule) => String(rule["resources"]));
    assert.ok(resources.includes("*") && resources.includes("selfsubjectreviews"));
    const paths = itemsAt(answer.body, "status.nonResourceRules").map((rule) => String(rule["nonResourceURLs"]));
    assert.ok(paths.includes("*") && paths.some((path) => path.includes("/healthz")));
  },
  "a SelfSubjectReview is of its time": async ({ call }) => {
    const answer = await call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { body: {} });
    const { metadata } = expectBody(answer, 201);
    assert.deepEqual(Object.keys(answer.body).sort(), ["apiVersion", "kind", "metadata", "status"]);
    assert.match(metadata.creationTimestamp, /^\d{4}-/);
  },
  "a SelfSubjectRulesReview lists the rules": async (world) => {
    await grant(world, [READ]);
    await mayEventually(world, { verb: "list", resource: "configmaps" });
    const answer = await world.call("POST", `${AUTHORIZATION}/selfsubjectrulesreviews`, {
      body: { spec: { namespace: world.namespace } },
      as: { user: user(world) },
    });
    const rules = itemsAt(expectBody(answer, 201), "status.resourceRules");
    assert.ok(
      rules.some(({ resources, verbs }) => JSON.stringify([resources, verbs]) === '[["configmaps"],["get","list"]]'),
    );
  },
  "view, edit and admin allow what they do everywhere, each all of the one before": async (world) => {
    const { call, path, namespace } = world;
    const granted = {
      view: VIEW_RULES,
      edit: [...EDIT_RULES, ...VIEW_RULES],
      admin: [...ADMIN_RULES, ...EDIT_RULES, ...VIEW_RULES],
    };
    for (const [name, rules] of Object.entries(granted)) {
      const as = { user: world.unique(name) };
      const roleRef = { apiGroup: GROUP, kind: "ClusterRole", name };
      const subjects = [{ kind: "User", name: as.user, apiGroup: GROUP }];
      expectBody(await call("POST", path(BINDINGS), { body: { metadata: { name }, roleRef, subjects } }), 201);
      await mayEventually(world, { verb: "list", resource: "pods" }, as.user);
      const body = { spec: { namespace } };
      const answer = await call("POST", `${AUTHORIZATION}/selfsubjectrulesreviews`, { body, as });
      const told = itemsAt(answer.body, "status.resourceRules").filter(({ resources }) => !isOfEverybody(resources));
      assert.deepEqual(told.map(describe).sort(), rules.map(describe).sort(), name);
    }
  },
  "the roles of every cluster are there": async ({ call }) => {
    for (const name of [
      "cluster-admin",
      "admin",
      "edit",
      "view",
      "system:node",
      "system:discovery",
      "system:basic-user",
    ]) {
      expectBody(await call("GET", `/apis/${GROUP}/v1/clusterroles/${name}`), 200);
    }
  },
});
