/** Tokens of ServiceAccounts: what they may be asked for, what they say, what is said of them. */
import assert from "node:assert/strict";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal } from "../expect.ts";
import { node, pod } from "../manifests.ts";
import type { Answer, World } from "../world.ts";

const REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const EXTRA = "authentication.kubernetes.io/";

async function ask({ call, path }: World, body: object): Promise<Answer> {
  await call("POST", path("serviceaccounts"), { body: { metadata: { name: "robot" } } });
  return call("POST", `${path("serviceaccounts")}/robot/token`, { body });
}

async function issue(world: World, spec: object = {}): Promise<string> {
  return String(valueAt(expectBody(await ask(world, { spec }), 201), "status.token"));
}

/** Of the header and the claims. */
function partsOf(token: string): [JsonObject, JsonObject] {
  const read = (part = ""): JsonObject => JSON.parse(Buffer.from(part, "base64url").toString()) as JsonObject;
  const [header, claims] = token.split(".");
  return [read(header), read(claims)];
}

async function review({ call }: World, token: string, audiences?: string[]): Promise<JsonObject> {
  const body = expectBody(await call("POST", REVIEWS, { body: { spec: { token, audiences } } }), 201);
  return body["status"] as JsonObject;
}

const boundTo = (kind: string, name: string, more: object = {}) => ({
  boundObjectRef: { kind, apiVersion: "v1", name, ...more },
});

/** Its account is the one that tokens are asked for. */
async function createPod({ call, path }: World, nodeName?: string): Promise<string> {
  const spec = { serviceAccountName: "robot", ...(nodeName === undefined ? {} : { nodeName }) };
  await call("POST", path("serviceaccounts"), { body: { metadata: { name: "robot" } } });
  return expectBody(await call("POST", path("pods"), { body: pod("p", spec) }), 201).metadata.uid;
}

async function createNode({ call, unique }: World): Promise<string> {
  return expectBody(await call("POST", "/api/v1/nodes", { body: node(unique("n")) }), 201).metadata.uid;
}

export const tokenCases = behaviour("tokens", {
  "a token says whose it is, and nothing that its request did not ask for": async (world) => {
    const body = expectBody(await ask(world, {}), 201, {
      kind: "TokenRequest",
      metadata: { name: "robot", namespace: world.namespace },
      spec: { expirationSeconds: 3600, boundObjectRef: null },
    });
    const { uid } = (await world.call("GET", `${world.path("serviceaccounts")}/robot`)).body.metadata;
    assert.equal(body.metadata.uid, uid);
    const [header, claims] = partsOf(String(valueAt(body, "status.token")));
    assert.deepEqual(Object.keys(header).sort(), ["alg", "kid"]);
    const { aud, exp, iat, iss, jti, nbf, ...rest } = claims;
    assert.deepEqual(aud, [iss]);
    assert.deepEqual([nbf, exp, typeof jti], [iat, Number(iat) + 3600, "string"]);
    assert.deepEqual(rest, {
      "kubernetes.io": { namespace: world.namespace, serviceaccount: { name: "robot", uid } },
      sub: `system:serviceaccount:${world.namespace}:robot`,
    });
  },
  "a token is for the audiences it is asked for": async (world) => {
    const [, claims] = partsOf(await issue(world, { audiences: ["a", "b"], expirationSeconds: 600 }));
    assert.deepEqual([claims["aud"], Number(claims["exp"]) - Number(claims["iat"])], [["a", "b"], 600]);
  },
  "a token lives ten minutes at least and 2^32 seconds at most": async (world) => {
    for (const [seconds, limit] of [
      [599, "less than 10 minutes"],
      [-1, "less than 10 minutes"],
      [2 ** 32 + 1, "larger than 2^32 seconds"],
    ] as const) {
      const message = `Invalid value: ${seconds}: may not specify a duration ${limit}`;
      const answer = await ask(world, { spec: { expirationSeconds: seconds } });
      expectInvalid(answer, [{ field: "spec.expirationSeconds", reason: "FieldValueInvalid", message }]);
      assert.match(String(answer.body["message"]), /^TokenRequest\.authentication\.k8s\.io "" is invalid/);
    }
    expectBody(await ask(world, { spec: { expirationSeconds: 2 ** 32 } }), 201);
  },
  "a request that names another account or namespace is refused": async (world) => {
    expectInvalid(await ask(world, { metadata: { name: "x" } }), [
      {
        field: "metadata.name",
        reason: "FieldValueInvalid",
        message: 'Invalid value: "x": must match the service account name if specified',
      },
    ]);
    expectRefusal(await ask(world, { metadata: { namespace: "x" } }), 400, {
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    });
  },
  "a token is bound to a Secret, by its UID": async (world) => {
    const secret = await world.call("POST", world.path("secrets"), { body: { metadata: { name: "s" } } });
    const { uid } = expectBody(secret, 201).metadata;
    const [, claims] = partsOf(await issue(world, boundTo("Secret", "s", { uid })));
    assert.deepEqual(valueAt(claims["kubernetes.io"], "secret"), { name: "s", uid });
    expectRefusal(await ask(world, { spec: boundTo("Secret", "s", { uid: "x" }) }), 409, {
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
    });
  },
  "a token bound to a Pod tells of it, and of its node": async (world) => {
    const nodeUid = await createNode(world);
    const podUid = await createPod(world, world.unique("n"));
    const token = await issue(world, boundTo("Pod", "p"));
    const [, claims] = partsOf(token);
    assert.partialDeepStrictEqual(claims["kubernetes.io"], {
      node: { name: world.unique("n"), uid: nodeUid },
      pod: { name: "p", uid: podUid },
    });
    const { user } = await review(world, token);
    assert.deepEqual((user as JsonObject)["extra"], {
      [`${EXTRA}credential-id`]: [`JTI=${String(claims["jti"])}`],
      [`${EXTRA}node-name`]: [world.unique("n")],
      [`${EXTRA}node-uid`]: [nodeUid],
      [`${EXTRA}pod-name`]: ["p"],
      [`${EXTRA}pod-uid`]: [podUid],
    });
  },
  "a token is bound to a node": async (world) => {
    const uid = await createNode(world);
    const [, claims] = partsOf(await issue(world, boundTo("Node", world.unique("n"))));
    assert.deepEqual(valueAt(claims["kubernetes.io"], "node"), { name: world.unique("n"), uid });
  },
  "a token is not bound to what is not there, or not this account's": async (world) => {
    const { call, path } = world;
    await call("POST", path("pods"), { body: pod("p", { serviceAccountName: "other" }) });
    const rows: [object, number, string, string][] = [
      [boundTo("Secret", "none"), 404, "NotFound", 'secrets "none" not found'],
      [boundTo("Secret", ""), 400, "BadRequest", "Name parameter required."],
      [boundTo("ConfigMap", "c"), 400, "BadRequest", "cannot bind token to object of type /v1, Kind=ConfigMap"],
      [
        boundTo("Secret", "s", { apiVersion: "apps/v1" }),
        400,
        "BadRequest",
        "cannot bind token to object of type apps/v1, Kind=Secret",
      ],
      [
        boundTo("Pod", "p"),
        400,
        "BadRequest",
        'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
      ],
    ];
    for (const [spec, code, reason, message] of rows) {
      expectRefusal(await ask(world, { spec }), code, { reason, message });
    }
  },
  "a review says which audiences a token is for": async (world) => {
    const token = await issue(world, { audiences: ["a", "b"] });
    const { authenticated, audiences } = await review(world, token, ["z", "b"]);
    assert.deepEqual([authenticated, audiences], [true, ["b"]]);
    assert.deepEqual(await review(world, token, ["z"]), {
      user: {},
      error: '[invalid bearer token, token audiences ["a" "b"] is invalid for the target audiences ["z"]]',
    });
  },
});
