/** Nobody gives away more than they have, and roles that gather the rules of others. */
import assert from "node:assert/strict";
import { arrayAt, isEqual } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal } from "../expect.ts";
import type { World } from "../world.ts";

const GROUP = "rbac.authorization.k8s.io";
const ROLES = `${GROUP}/v1/roles`;
const BINDINGS = `${GROUP}/v1/rolebindings`;
const CLUSTER_ROLES = `/apis/${GROUP}/v1/clusterroles`;
const READ_MAPS = { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] };
const WRITE_ROLES = { apiGroups: [GROUP], resources: ["roles", "rolebindings"], verbs: ["create", "update", "patch"] };

const user = ({ unique }: World): string => unique("jane");
const missing = (world: World, ...rules: string[]): string =>
  `user ${JSON.stringify(user(world))} (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${rules.join("\n")}`;
const role = (rules: JsonObject[]): JsonObject => ({ metadata: { name: "given" }, rules });
const bindingTo = (kind: string, name: string): JsonObject => ({
  metadata: { name: "given" },
  roleRef: { apiGroup: GROUP, kind, name },
  subjects: [{ kind: "User", name: "joe", apiGroup: GROUP }],
});

/** Lets the case's user write roles and read ConfigMaps, and waits until that is known. */
async function empower(world: World, more: JsonObject[] = []): Promise<void> {
  const { call, path, namespace } = world;
  const rules = [WRITE_ROLES, READ_MAPS, ...more];
  expectBody(await call("POST", path(ROLES), { body: { metadata: { name: "maker" }, rules } }), 201);
  const roleRef = { apiGroup: GROUP, kind: "Role", name: "maker" };
  const subjects = [{ kind: "User", name: user(world), apiGroup: GROUP }];
  expectBody(await call("POST", path(BINDINGS), { body: { metadata: { name: "maker" }, roleRef, subjects } }), 201);
  const resourceAttributes = { verb: "list", resource: "configmaps", namespace };
  const deadline = performance.now() + 10_000;
  for (let allowed = false; !allowed && performance.now() < deadline;) {
    const answer = await call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      body: { spec: { user: user(world), resourceAttributes } },
    });
    allowed = (answer.body["status"] as { allowed: boolean }).allowed;
  }
}

const asUser = (world: World) => ({ user: user(world) });

export const grantCases = behaviour("grants", {
  "what one has oneself can be given": async (world) => {
    await empower(world);
    const answer = await world.call("POST", world.path(ROLES), { body: role([READ_MAPS]), as: asUser(world) });
    expectBody(answer, 201);
  },
  "what one lacks cannot be given": async (world) => {
    await empower(world);
    const rules = [
      { apiGroups: ["", "apps"], resources: ["configmaps"], verbs: ["get", "delete"] },
      { apiGroups: [""], resources: ["pods"], resourceNames: ["a", "b"], verbs: ["get"] },
    ];
    const answer = await world.call("POST", world.path(ROLES), { body: role(rules), as: asUser(world) });
    const lacks = missing(
      world,
      '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}',
      '{APIGroups:["apps"], Resources:["configmaps"], Verbs:["get" "delete"]}',
    );
    expectRefusal(answer, 403, {
      reason: "Forbidden",
      message: `roles.${GROUP} "given" is forbidden: ${lacks}`,
      details: { name: "given", group: GROUP, kind: "roles" },
    });
  },
  "a role cannot be widened either": async (world) => {
    await empower(world);
    await world.call("POST", world.path(ROLES), { body: role([READ_MAPS]) });
    const body = role([{ ...READ_MAPS, verbs: ["*"] }]);
    const answer = await world.call("PUT", `${world.path(ROLES)}/given`, { body, as: asUser(world) });
    const lacks = missing(world, '{APIGroups:[""], Resources:["configmaps"], Verbs:["*"]}');
    expectRefusal(answer, 403, { reason: "Forbidden", message: `roles.${GROUP} "given" is forbidden: ${lacks}` });
  },
  "of a role that gives more, finalizers may change and labels may not": async (world) => {
    await empower(world);
    await world.call("POST", world.path(ROLES), { body: role([{ ...READ_MAPS, verbs: ["*"] }]) });
    const patch = (metadata: JsonObject) =>
      world.call("PATCH", `${world.path(ROLES)}/given`, { body: { metadata }, as: asUser(world) });
    expectBody(await patch({ finalizers: ["example.com/hold"] }), 200);
    expectBody(await patch({ finalizers: null }), 200);
    assert.equal((await patch({ labels: { a: "b" } })).status, 403);
  },
  "who may escalate gives anything": async (world) => {
    await empower(world, [{ apiGroups: [GROUP], resources: ["roles"], verbs: ["escalate"] }]);
    const body = role([{ ...READ_MAPS, verbs: ["*"] }]);
    expectBody(await world.call("POST", world.path(ROLES), { body, as: asUser(world) }), 201);
  },
  "a binding gives no more than its writer has": async (world) => {
    await empower(world);
    const body = bindingTo("ClusterRole", "cluster-admin");
    const answer = await world.call("POST", world.path(BINDINGS), { body, as: asUser(world) });
    const lacks = missing(
      world,
      '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
      '{NonResourceURLs:["*"], Verbs:["*"]}',
    );
    expectRefusal(answer, 403, {
      reason: "Forbidden",
      message: `rolebindings.${GROUP} "given" is forbidden: ${lacks}`,
    });
  },
  "a binding to a role one could have written": async (world) => {
    await empower(world);
    await world.call("POST", world.path(ROLES), { body: { metadata: { name: "reader" }, rules: [READ_MAPS] } });
    await world.until(`${world.path(ROLES)}/reader`, (object) => object !== undefined);
    const body = bindingTo("Role", "maker");
    expectBody(await world.call("POST", world.path(BINDINGS), { body, as: asUser(world) }), 201);
  },
  "who may bind a role binds it whatever it gives": async (world) => {
    await empower(world, [
      { apiGroups: [GROUP], resources: ["clusterroles"], resourceNames: ["view"], verbs: ["bind"] },
    ]);
    const body = bindingTo("ClusterRole", "view");
    expectBody(await world.call("POST", world.path(BINDINGS), { body, as: asUser(world) }), 201);
  },
  "a binding to a role that is not there is not found": async (world) => {
    await empower(world);
    const body = bindingTo("Role", "none");
    expectRefusal(await world.call("POST", world.path(BINDINGS), { body, as: asUser(world) }), 404, {
      reason: "NotFound",
      message: `rolebindings.${GROUP} "none" not found`,
    });
  },
  "a ClusterRole gathers the rules of those its selectors choose": async ({ call, unique, until }) => {
    const labels = { [unique("gather")]: "yes" };
    const whole = unique("whole");
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: labels }] };
    expectBody(await call("POST", CLUSTER_ROLES, { body: { metadata: { name: whole }, aggregationRule } }), 201);
    const part = { metadata: { name: unique("part"), labels }, rules: [READ_MAPS] };
    expectBody(await call("POST", CLUSTER_ROLES, { body: part }), 201);
    const gathers = (rules: JsonObject[]) =>
      until(`${CLUSTER_ROLES}/${whole}`, (object) => isEqual(arrayAt(object, "rules"), rules));
    await gathers([READ_MAPS]);
    await call("DELETE", `${CLUSTER_ROLES}/${part.metadata.name}`);
    await gathers([]);
  },
  "view, edit and admin gather what extensions add": async ({ call, unique, until }) => {
    const rule = { apiGroups: [unique("group")], resources: ["things"], verbs: ["get"] };
    const labels = { [`${GROUP}/aggregate-to-view`]: "true" };
    const name = unique("extension");
    expectBody(await call("POST", CLUSTER_ROLES, { body: { metadata: { name, labels }, rules: [rule] } }), 201);
    for (const gathering of ["view", "edit", "admin"]) {
      await until(`${CLUSTER_ROLES}/${gathering}`, (object) =>
        arrayAt(object, "rules").some((found) => isEqual(found, rule)),
      );
    }
    await call("DELETE", `${CLUSTER_ROLES}/${name}`);
  },
});
