/** Who asks: tokens, impersonation, anonymous, and the reviews of identity. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { configMap } from "../manifests.ts";
import type { World } from "../world.ts";

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

async function createToken({ call, path }: World, spec: object = {}, name = "robot"): Promise<string> {
  await call("POST", path("serviceaccounts"), { body: { metadata: { name } } });
  const answer = await call("POST", `${path("serviceaccounts")}/${name}/token`, { body: { spec } });
  return (expectBody(answer, 201)["status"] as { token: string }).token;
}

/** The server's caches may take some seconds to learn of an end. */
async function refusesSoon({ call }: World, token: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while ((await call("POST", SELF, { body: {}, token })).status !== 401) {
    assert.ok(performance.now() < deadline, "the token is taken still");
    await sleep(20);
  }
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

export const identityCases = behaviour("identity", {
  "a wrong token is unauthorized": async ({ call }) => {
    expectRefusal(await call("GET", "/api/v1/nodes", { token: "nonsense" }), 401, {
      reason: "Unauthorized",
      message: "Unauthorized",
    });
  },
  "none at all is anonymous, and forbidden": async ({ call }) => {
    expectRefusal(await call("GET", "/api/v1/nodes", { token: null }), 403, {
      reason: "Forbidden",
      message:
        'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
      details: { kind: "nodes" },
    });
  },
  "the administrator is of system:masters": async ({ call }) => {
    const body = expectBody(await call("POST", SELF, { body: {} }), 201, { kind: "SelfSubjectReview" });
    const { userInfo } = body["status"] as { userInfo: { groups: string[] } };
    assert.ok(userInfo.groups.includes("system:masters"));
    assert.ok(userInfo.groups.includes("system:authenticated"));
  },
  "an impersonated user is who asks": async ({ call }) => {
    const as = { user: "jane", groups: ["dev", "ops"] };
    expectBody(await call("POST", SELF, { body: {}, as }), 201, {
      status: { userInfo: { username: "jane", groups: ["dev", "ops", "system:authenticated"] } },
    });
  },
  "groups are not impersonated without a user": async ({ call }) => {
    const answer = await call("GET", "/api/v1/nodes", { as: { user: "", groups: ["x"] } });
    assert.equal(answer.status, 400);
  },
  "who may not impersonate is told so": async (world) => {
    const token = await createToken(world);
    expectRefusal(await world.call("GET", "/api/v1/nodes", { token, as: { user: "jane" } }), 403, {
      reason: "Forbidden",
      message: new RegExp(`is forbidden: User "system:serviceaccount:${world.namespace}:robot" cannot impersonate`),
    });
  },
  "a ServiceAccount's token speaks in its name": async (world) => {
    const token = await createToken(world);
    const body = expectBody(await world.call("POST", SELF, { body: {}, token }), 201);
    const { userInfo } = body["status"] as { userInfo: Record<string, unknown> };
    assert.equal(userInfo["username"], `system:serviceaccount:${world.namespace}:robot`);
    assert.deepEqual(userInfo["groups"], [
      "system:serviceaccounts",
      `system:serviceaccounts:${world.namespace}`,
      "system:authenticated",
    ]);
  },
  "a TokenRequest says when its token expires": async ({ call, path }) => {
    await call("POST", path("serviceaccounts"), { body: { metadata: { name: "robot" } } });
    const at = `${path("serviceaccounts")}/robot/token`;
    const body = expectBody(await call("POST", at, { body: { spec: { expirationSeconds: 700 } } }), 201, {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name: "robot" },
      spec: { expirationSeconds: 700, boundObjectRef: null },
    });
    const { token, expirationTimestamp } = body["status"] as { token: string; expirationTimestamp: string };
    const { exp, iat, iss, aud, sub } = claimsOf(token) as {
      exp: number;
      iat: number;
      iss: string;
      aud: string[];
      sub: string;
    };
    assert.equal(exp - iat, 700);
    assert.equal(Date.parse(expirationTimestamp), exp * 1000);
    assert.deepEqual(aud, [iss]);
    assert.match(sub, /^system:serviceaccount:.*:robot$/);
  },
  "a token lives an hour unless asked otherwise": async (world) => {
    const { exp, iat } = claimsOf(await createToken(world)) as { exp: number; iat: number };
    assert.equal(exp - iat, 3600);
  },
  "a token lives ten minutes at least": async ({ call, path }) => {
    await call("POST", path("serviceaccounts"), { body: { metadata: { name: "robot" } } });
    const at = `${path("serviceaccounts")}/robot/token`;
    expectInvalid(await call("POST", at, { body: { spec: { expirationSeconds: 60 } } }), [
      {
        field: "spec.expirationSeconds",
        reason: "FieldValueInvalid",
        message: "Invalid value: 60: may not specify a duration less than 10 minutes",
      },
    ]);
  },
  "a token for an account that is not there is not found": async ({ call, path }) => {
    expectRefusal(await call("POST", `${path("serviceaccounts")}/none/token`, { body: { spec: {} } }), 404, {
      reason: "NotFound",
      message: 'serviceaccounts "none" not found',
    });
  },
  "a token for another audience is no key to this server": async (world) => {
    const token = await createToken(world, { audiences: ["vault"] });
    assert.deepEqual(claimsOf(token)["aud"], ["vault"]);
    assert.equal((await world.call("GET", "/api/v1/nodes", { token })).status, 401);
  },
  "a TokenReview tells whose token it is": async (world) => {
    const token = await createToken(world);
    expectBody(await world.call("POST", TOKEN_REVIEWS, { body: { spec: { token } } }), 201, {
      kind: "TokenReview",
      status: { authenticated: true, user: { username: `system:serviceaccount:${world.namespace}:robot` } },
    });
  },
  "a TokenReview of nonsense does not authenticate": async ({ call }) => {
    const body = expectBody(await call("POST", TOKEN_REVIEWS, { body: { spec: { token: "nonsense" } } }), 201);
    const status = body["status"] as { authenticated?: boolean; user: unknown };
    assert.deepEqual([status.authenticated, status.user], [undefined, {}]);
  },
  "a TokenReview asks for an audience": async (world) => {
    const token = await createToken(world, { audiences: ["vault"] });
    const review = (audiences: string[]) => world.call("POST", TOKEN_REVIEWS, { body: { spec: { token, audiences } } });
    expectBody(await review(["vault", "other"]), 201, { status: { authenticated: true, audiences: ["vault"] } });
    const refused = expectBody(await review(["other"]), 201);
    assert.equal((refused["status"] as { authenticated?: boolean }).authenticated, undefined);
  },
  "a TokenReview needs a token": async ({ call }) => {
    assert.equal((await call("POST", TOKEN_REVIEWS, { body: { spec: {} } })).status, 400);
  },
  "a token ends with its ServiceAccount": async (world) => {
    const token = await createToken(world);
    const { call, path } = world;
    expectBody(await call("POST", SELF, { body: {}, token }), 201);
    await call("DELETE", `${path("serviceaccounts")}/robot`);
    await world.until(`${path("serviceaccounts")}/robot`, (object) => object === undefined);
    await refusesSoon(world, token);
  },
  "a token bound to a Secret ends with the Secret": async (world) => {
    const { call, path } = world;
    const { body: secret } = await call("POST", path("secrets"), { body: { metadata: { name: "s" } } });
    const boundObjectRef = { apiVersion: "v1", kind: "Secret", name: "s", uid: secret.metadata.uid };
    const token = await createToken(world, { boundObjectRef });
    expectBody(await call("POST", SELF, { body: {}, token }), 201);
    await call("DELETE", `${path("secrets")}/s`);
    await refusesSoon(world, token);
  },
  "an authenticated user may learn of the API and no more": async ({ call, path }) => {
    const as = { user: "jane" };
    expectBody(await call("GET", "/api", { as }), 200);
    expectBody(await call("GET", "/version", { as }), 200);
    expectRefusal(await call("POST", path("configmaps"), { body: configMap("a"), as }), 403, {
      reason: "Forbidden",
      message:
        /^configmaps is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace "/,
    });
  },
  "a path that is no resource is forbidden by its path": async ({ call }) => {
    expectRefusal(await call("GET", "/logs", { as: { user: "jane" } }), 403, {
      reason: "Forbidden",
      message: 'forbidden: User "jane" cannot get path "/logs"',
    });
  },
});
