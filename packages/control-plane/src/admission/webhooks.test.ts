import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createWorld, installWidgets, widget, WIDGETS } from "../behaviour/test-world.ts";
import type { Answer, World } from "../behaviour/test-world.ts";
import { arrayAt, objectAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { WebhookCall } from "./call.ts";

type Request = JsonObject & {
  uid: string;
  name?: string;
  operation: string;
  object: KubeObject;
  oldObject: KubeObject;
  dryRun: boolean;
  options: JsonObject;
};
type Reply = { allowed?: boolean; patch?: unknown; status?: JsonObject; warnings?: string[]; uid?: string };
type Site = World & { requests: { path: string; request: Request; call: WebhookCall }[] };
type Answers = Record<string, (request: Request, call: WebhookCall) => Reply | Promise<Reply>>;

const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";
const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";

/** A world whose webhooks answer in process, told apart by their path. */
async function createSite(t: TestContext, answers: Answers = {}): Promise<Site> {
  const requests: Site["requests"] = [];
  const world = await createWorld(t, {
    async callWebhook(call) {
      const path = new URL(call.url).pathname.slice(1);
      const { request } = JSON.parse(call.body) as { request: Request };
      requests.push({ path, request, call });
      const { patch, ...reply } = (await answers[path]?.(request, call)) ?? {};
      const patched =
        patch === undefined
          ? {}
          : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
      const response = { uid: request.uid, allowed: true, ...reply, ...patched };
      const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
      return { status: 200, text: JSON.stringify(review) };
    },
  });
  return { ...world, requests };
}

type Configuration = { type?: "Mutating" | "Validating"; name: string } & JsonObject;

async function register(world: World, { type = "Validating", name, ...webhook }: Configuration): Promise<void> {
  const { code, body } = await world.call("POST", `${REGISTRATION}/${type.toLowerCase()}webhookconfigurations`, {
    body: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: `${type}WebhookConfiguration`,
      metadata: { name },
      webhooks: [
        {
          name: `${name}.example.com`,
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
          clientConfig: { url: `https://webhooks.example.com/${name}` },
          rules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*", "*/*"], operations: ["*"] }],
          ...webhook,
        },
      ],
    },
  });
  assert.equal(code, 201, JSON.stringify(body));
}

const RULE = { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["*"] };
const configMap = (name: string, fields: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...fields,
});
const create = (world: World, name: string, fields?: JsonObject): Promise<Answer> =>
  world.call("POST", CONFIGMAPS, { body: configMap(name, fields) });
const message = (answer: Answer): string => String(answer.body["message"]);

test("a mutating webhook changes the object, a validating one sees the result", async (t) => {
  const site = await createSite(t, {
    first: () => ({ patch: [{ op: "add", path: "/data", value: { a: "1" } }], warnings: ["mind the gap"] }),
    second: ({ object }) => ({
      patch: [{ op: "add", path: "/data/b", value: `${String(objectAt(object, "data")["a"])}2` }],
    }),
  });
  await register(site, { type: "Mutating", name: "second", rules: [RULE] });
  await register(site, { type: "Mutating", name: "first", rules: [RULE] });
  await register(site, { name: "check", rules: [RULE] });
  const { code, body, headers } = await create(site, "x");
  assert.deepEqual([code, body["data"]], [201, { a: "1", b: "12" }]);
  assert.equal(headers.get("warning"), '299 - "mind the gap"');
  assert.deepEqual(
    site.requests.map(({ path }) => path),
    ["first", "second", "check"],
  );
  const { request } = site.requests[2] ?? assert.fail();
  assert.deepEqual(request.object["data"], { a: "1", b: "12" });
  assert.equal(request.object.metadata.uid, body.metadata.uid);
  assert.equal(site.requests[0]?.request.object.metadata.uid, undefined, "no identity before mutation");
});

test("the review tells who does what to which object", async (t) => {
  const site = await createSite(t);
  await register(site, { name: "see", rules: [RULE] });
  await site.call("POST", `${CONFIGMAPS}?fieldManager=me&dryRun=All`, { body: configMap("x") });
  const { uid, object, ...review } = site.requests[0]?.request ?? assert.fail();
  const kind = { group: "", version: "v1", kind: "ConfigMap" };
  const resource = { group: "", version: "v1", resource: "configmaps" };
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.equal(object.metadata.name, "x");
  assert.deepEqual(review, {
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: "x",
    namespace: "default",
    operation: "CREATE",
    userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] },
    oldObject: null,
    dryRun: true,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", dryRun: ["All"], fieldManager: "me" },
  });
  assert.equal(site.requests[0]?.call.url, "https://webhooks.example.com/see?timeout=10s");
});

test("a generated name is chosen after mutation, and is the one that is stored", async (t) => {
  const site = await createSite(t);
  await register(site, { type: "Mutating", name: "early", rules: [RULE] });
  await register(site, { name: "late", rules: [RULE] });
  const { body } = await site.call("POST", CONFIGMAPS, {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "x-" } },
  });
  assert.deepEqual(
    site.requests.map(({ request }) => request.name),
    [undefined, body.metadata.name],
  );
});

test("updates, status and deletions are reviewed with the old object", async (t) => {
  const site = await createSite(t);
  await installWidgets(site);
  await register(site, {
    name: "see",
    rules: [
      { apiGroups: ["example.com"], apiVersions: ["v1"], resources: ["widgets", "widgets/*"], operations: ["*"] },
    ],
  });
  await site.call("POST", WIDGETS, { body: widget("a") });
  const type = "application/merge-patch+json";
  await site.call("PATCH", `${WIDGETS}/a`, { type, body: { spec: { size: 4 } } });
  await site.call("PATCH", `${WIDGETS}/a/status`, { type, body: { status: { ok: true } } });
  await site.call("PATCH", `${WIDGETS}/a/scale`, { type, body: { spec: { replicas: 2 } } });
  await site.call("DELETE", `${WIDGETS}/a`);
  assert.deepEqual(
    site.requests.map(({ request }) => [
      request.operation,
      request["subResource"],
      objectAt(request.oldObject, "spec")["size"],
      objectAt(request.object, "spec")["size"],
      (request["kind"] as JsonObject)["kind"],
    ]),
    [
      ["CREATE", undefined, undefined, 3, "Widget"],
      ["UPDATE", undefined, 3, 4, "Widget"],
      ["UPDATE", "status", 4, 4, "Widget"],
      ["UPDATE", "scale", undefined, undefined, "Scale"],
      ["DELETE", undefined, 4, undefined, "Widget"],
    ],
  );
});

test("a denial is passed on in the webhook's own words and code", async (t) => {
  const site = await createSite(t, {
    terse: () => ({ allowed: false }),
    wordy: () => ({ allowed: false, status: { message: "no way", reason: "Because", code: 418 } }),
  });
  await register(site, { name: "terse", rules: [RULE], objectSelector: { matchLabels: { hook: "terse" } } });
  await register(site, { name: "wordy", rules: [RULE], objectSelector: { matchLabels: { hook: "wordy" } } });
  const terse = await create(site, "x", { metadata: { name: "x", labels: { hook: "terse" } } });
  assert.deepEqual(terse.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'admission webhook "terse.example.com" denied the request without explanation',
    code: 400,
  });
  const wordy = await create(site, "x", { metadata: { name: "x", labels: { hook: "wordy" } } });
  assert.deepEqual(
    [wordy.code, wordy.body["reason"], message(wordy)],
    [418, "Because", 'admission webhook "wordy.example.com" denied the request: no way'],
  );
  assert.equal((await site.call("GET", `${CONFIGMAPS}/x`)).code, 404);
});

test("a webhook that fails stops the write or is passed over, as its policy says", async (t) => {
  const refuse = (): never => {
    throw new Error("dial tcp 10.0.0.1:443: connect: connection refused");
  };
  const site = await createSite(t, { strict: refuse, lax: refuse, liar: () => ({ uid: "other" }) });
  await register(site, { name: "lax", rules: [RULE], failurePolicy: "Ignore" });
  assert.equal((await create(site, "x")).code, 201);
  await register(site, { name: "strict", rules: [RULE] });
  const failed = await create(site, "y");
  const why =
    'failed calling webhook "strict.example.com": failed to call webhook: Post "https://webhooks.example.com/strict?timeout=10s": dial tcp 10.0.0.1:443: connect: connection refused';
  assert.deepEqual(
    [failed.code, failed.body["reason"], message(failed), failed.body["details"]],
    [500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] }],
  );
  await site.call("DELETE", `${REGISTRATION}/validatingwebhookconfigurations/strict`);
  await register(site, { name: "liar", rules: [RULE] });
  assert.match(
    message(await create(site, "z")),
    /received invalid webhook response: expected response.uid="[^"]+", got "other"$/,
  );
});

test("a webhook that does not answer in time is given up on", async (t) => {
  const called = Promise.withResolvers<AbortSignal>();
  const site = await createSite(t, {
    slow: (_request, { signal }) => {
      called.resolve(signal);
      return new Promise(() => {});
    },
  });
  await register(site, { name: "slow", rules: [RULE], timeoutSeconds: 3 });
  const pending = create(site, "x");
  const signal = await called.promise;
  await site.advance(3000);
  assert.match(message(await pending), /slow\?timeout=3s": context deadline exceeded$/);
  assert.equal(signal.aborted, true);
});

test("rules, scope and selectors say what a webhook hears of", async (t) => {
  const site = await createSite(t);
  const rule = (change: JsonObject): JsonObject[] => [{ ...RULE, ...change }];
  await register(site, { name: "operation", rules: rule({ operations: ["DELETE"] }) });
  await register(site, { name: "group", rules: rule({ apiGroups: ["apps"] }) });
  await register(site, { name: "scope", rules: rule({ scope: "Cluster" }) });
  await register(site, { name: "subresource", rules: rule({ resources: ["configmaps/status"] }) });
  await register(site, { name: "labels", rules: [RULE], objectSelector: { matchLabels: { a: "b" } } });
  await register(site, {
    name: "elsewhere",
    rules: [RULE],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } },
  });
  await register(site, {
    name: "here",
    rules: [RULE],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } },
  });
  await create(site, "x");
  assert.deepEqual(
    site.requests.map(({ path }) => path),
    ["here"],
  );
});

test("an equivalent form of the kind is sent in the version the webhook knows", async (t) => {
  const site = await createSite(t);
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: ["v1", "v2"].map((name) => ({
        name,
        served: true,
        storage: name === "v1",
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      })),
    },
  };
  await site.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body: definition });
  const rules = [{ apiGroups: ["example.com"], apiVersions: ["v1"], resources: ["things"], operations: ["*"] }];
  await register(site, { name: "equivalent", rules });
  await register(site, { name: "exact", rules, matchPolicy: "Exact" });
  const body = { apiVersion: "example.com/v2", kind: "Thing", metadata: { name: "t" } };
  assert.equal((await site.call("POST", "/apis/example.com/v2/namespaces/default/things", { body })).code, 201);
  assert.deepEqual(
    site.requests.map(({ path, request }) => [
      path,
      request.object.apiVersion,
      request["kind"],
      request["requestKind"],
    ]),
    [
      [
        "equivalent",
        "example.com/v1",
        { group: "example.com", version: "v1", kind: "Thing" },
        { group: "example.com", version: "v2", kind: "Thing" },
      ],
    ],
  );
});

test("a webhook that asks for it is called again when a later one changed the object", async (t) => {
  let rounds = 0;
  const site = await createSite(t, {
    a: () => ({ patch: [{ op: "add", path: "/data", value: { rounds: String((rounds += 1)) } }] }),
    b: ({ object }) =>
      object.metadata.labels === undefined
        ? { patch: [{ op: "add", path: "/metadata/labels", value: { b: "" } }] }
        : {},
  });
  await register(site, { type: "Mutating", name: "a", rules: [RULE], reinvocationPolicy: "IfNeeded" });
  await register(site, { type: "Mutating", name: "b", rules: [RULE] });
  const { body } = await create(site, "x");
  assert.deepEqual(body["data"], { rounds: "2" });
  assert.deepEqual(
    site.requests.map(({ path }) => path),
    ["a", "b", "a"],
  );
});

test("a dry run goes only to webhooks without side effects", async (t) => {
  const site = await createSite(t);
  await register(site, { name: "loud", rules: [RULE], sideEffects: "Some" });
  const { code, body } = await site.call("POST", `${CONFIGMAPS}?dryRun=All`, { body: configMap("x") });
  assert.deepEqual([code, body["message"]], [400, 'admission webhook "loud.example.com" does not support dry run']);
  assert.equal(site.requests.length, 0);
});

test("match conditions spare a webhook the call", async (t) => {
  const site = await createSite(t, { guarded: () => ({ allowed: false }) });
  await register(site, {
    name: "guarded",
    rules: [RULE],
    matchConditions: [{ name: "named", expression: "object.data.wanted == 'true'" }],
  });
  assert.equal((await create(site, "x", { data: { wanted: "false" } })).code, 201);
  assert.equal((await create(site, "y", { data: { wanted: "true" } })).code, 400);
  const broken = await create(site, "z");
  assert.deepEqual(
    [broken.code, message(broken)],
    [
      403,
      `configmaps "z" is forbidden: expression 'object.data.wanted == 'true'' resulted in error: no such key: data`,
    ],
  );
});

test("no webhook stands between an administrator and the webhooks", async (t) => {
  const site = await createSite(t, { all: () => ({ allowed: false }) });
  await register(site, { name: "all" });
  assert.equal((await create(site, "x")).code, 400);
  assert.equal((await site.call("DELETE", `${REGISTRATION}/validatingwebhookconfigurations/all`)).code, 200);
});

test("a write that another overtakes during its review is reviewed anew", async (t) => {
  let isFirst = true;
  const site: Site = await createSite(t, {
    race: async () => {
      if (isFirst) {
        isFirst = false;
        await site.call("PATCH", `${CONFIGMAPS}/x`, {
          type: "application/merge-patch+json",
          body: { data: { other: "1" } },
        });
      }
      return {};
    },
  });
  await create(site, "x");
  await register(site, { name: "race", rules: [RULE] });
  const { code, body } = await site.call("PATCH", `${CONFIGMAPS}/x`, {
    type: "application/merge-patch+json",
    body: { data: { mine: "1" } },
  });
  assert.deepEqual([code, body["data"]], [200, { other: "1", mine: "1" }]);
  assert.deepEqual(
    site.requests.map(({ request }) => request.object["data"]),
    [{ mine: "1" }, { other: "1" }, { other: "1", mine: "1" }],
  );
  const replaced = await site.call("PUT", `${CONFIGMAPS}/x`, {
    body: { ...configMap("x"), metadata: { name: "x", resourceVersion: "1" } },
  });
  assert.equal(replaced.code, 409);
});

test("a service is reached at a ready endpoint of the port's name", async (t) => {
  const site = await createSite(t);
  const clientConfig = { service: { namespace: "default", name: "hook", path: "/see", port: 8443 } };
  await register(site, { name: "svc", clientConfig, rules: [RULE] });
  assert.match(
    message(await create(site, "x")),
    /Post "https:\/\/hook.default.svc:8443\/see\?timeout=10s": service "hook" not found$/,
  );
  await site.call("POST", "/api/v1/namespaces/default/services", {
    body: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "hook" },
      spec: { ports: [{ name: "https", port: 8443 }] },
    },
  });
  assert.match(message(await create(site, "x")), /no endpoints available for service "hook"$/);
  await site.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    body: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "hook-1", labels: { "kubernetes.io/service-name": "hook" } },
      addressType: "IPv4",
      endpoints: [
        { addresses: ["10.0.0.1"], conditions: { ready: false } },
        { addresses: ["10.0.0.2"], conditions: { ready: true } },
      ],
      ports: [{ name: "https", port: 9443 }],
    },
  });
  assert.equal((await create(site, "x")).code, 201);
  assert.deepEqual(site.requests.at(-1)?.call.address, { host: "10.0.0.2", port: 9443 });
});

test("deleting a collection asks for each object", async (t) => {
  const site = await createSite(t, { keep: ({ name }) => ({ allowed: name !== "b" }) });
  for (const name of ["a", "b"]) await create(site, name);
  await register(site, { name: "keep", rules: [{ ...RULE, operations: ["DELETE"] }] });
  assert.equal((await site.call("DELETE", CONFIGMAPS)).code, 400);
  const { body } = await site.call("GET", CONFIGMAPS);
  assert.ok(arrayAt(body, "items").length > 0);
  assert.deepEqual(
    site.requests.map(({ request }) => request.name),
    ["a", "b"],
  );
});
