/** Admission webhooks: when they are called, with what, and what comes of their answers. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { valueAt } from "../../object.ts";
import type { JsonObject } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectRefusal } from "../expect.ts";
import { configMap } from "../manifests.ts";
import { installWidgets, widget } from "../widgets.ts";
import { startWebhookServer } from "../webhook-server.ts";
import type { Review, Verdict, WebhookServer } from "../webhook-server.ts";
import type { World } from "../world.ts";

const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";

type Options = {
  type?: "mutating" | "validating";
  verdict?: (review: Review) => Verdict | Promise<Verdict>;
} & JsonObject;

const server = ({ once }: World): Promise<WebhookServer> => once("server", startWebhookServer);

/** One that concerns the case's namespace, called `<name>.example.com`. Returns what it has been asked. */
async function register(world: World, name: string, options: Options = {}): Promise<Review[]> {
  const { call, unique, namespace } = world;
  const { type = "validating", verdict = () => ({}), ...webhook } = options;
  const path = unique(name);
  const { answer, clientConfig } = await server(world);
  const asked = answer(path, verdict);
  const kind = `${type === "mutating" ? "Mutating" : "Validating"}WebhookConfiguration`;
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: path },
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: clientConfig(path),
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["*"] }],
        ...webhook,
      },
    ],
  };
  expectBody(await call("POST", `${REGISTRATION}/${kind.toLowerCase()}s`, { body }), 201);
  return asked;
}

/** Waits until the server knows of all the case's webhooks registered so far: the last is asked, or has its say. */
async function settle(world: World): Promise<void> {
  const asked = await register(world, "zz-settle");
  const deadline = performance.now() + 15_000;
  while (asked.length === 0) {
    assert.ok(performance.now() < deadline, "the webhook is never called");
    await world.call("POST", `${world.path("configmaps")}?dryRun=All`, { body: configMap("settle", { k: "v" }) });
    await sleep(20);
  }
  // Mutating and validating ones are learnt of apart from each other.
  await sleep(300);
}

const of = (asked: readonly Review[], name: string): Review[] => asked.filter((review) => review.name === name);

const create = ({ call, path }: World, name = "a", metadata: JsonObject = {}) =>
  call("POST", path("configmaps"), { body: configMap(name, { k: "v" }, metadata) });

export const webhookCases = behaviour("webhooks", {
  "mutating ones change the object in the order of their configurations, validating ones see the result": async (
    world,
  ) => {
    const first = await register(world, "a-first", {
      type: "mutating",
      verdict: () => ({ patch: [{ op: "add", path: "/data", value: { one: "1" } }], warnings: ["mind the gap"] }),
    });
    await register(world, "b-second", {
      type: "mutating",
      verdict: ({ object }) => ({
        patch: [{ op: "add", path: "/data/two", value: `${String(valueAt(object, "data.one"))}2` }],
      }),
    });
    const check = await register(world, "check");
    await settle(world);
    const answer = await create(world);
    const created = expectBody(answer, 201, { data: { one: "1", two: "12" } });
    assert.equal(answer.headers.get("warning"), '299 - "mind the gap"');
    const [seen] = of(check, "a");
    assert.deepEqual(valueAt(seen?.object, "data"), { one: "1", two: "12" });
    assert.equal(seen?.object?.metadata.uid, created.metadata.uid);
    assert.equal(of(first, "a")[0]?.object?.metadata.uid, undefined, "no identity before mutation");
  },
  "the review tells who does what to which object": async (world) => {
    const asked = await register(world, "see");
    await settle(world);
    const as = { user: "jane", groups: ["system:masters"] };
    const body = configMap("a");
    await world.call("POST", `${world.path("configmaps")}?fieldManager=me&dryRun=All`, { body, as });
    const [review] = of(asked, "a");
    const { uid, object, userInfo, ...rest } = review ?? assert.fail("not asked");
    assert.match(uid, /^[0-9a-f-]{36}$/);
    assert.partialDeepStrictEqual(object, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
    assert.partialDeepStrictEqual(userInfo, { username: "jane", groups: ["system:masters", "system:authenticated"] });
    const kind = { group: "", version: "v1", kind: "ConfigMap" };
    const resource = { group: "", version: "v1", resource: "configmaps" };
    assert.deepEqual(rest, {
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: "a",
      namespace: world.namespace,
      operation: "CREATE",
      oldObject: null,
      dryRun: true,
      options: {
        kind: "CreateOptions",
        apiVersion: "meta.k8s.io/v1",
        dryRun: ["All"],
        fieldManager: "me",
      },
    });
  },
  "an update has both objects, a deletion the old one": async (world) => {
    const asked = await register(world, "see");
    await settle(world);
    await create(world);
    const at = `${world.path("configmaps")}/a`;
    expectBody(await world.call("PATCH", at, { body: { data: { b: "2" } } }), 200);
    expectBody(await world.call("DELETE", at), 200);
    const [, update, deletion] = of(asked, "a");
    assert.deepEqual(
      [update?.operation, valueAt(update?.object, "data"), update?.oldObject?.metadata.name],
      ["UPDATE", { k: "v", b: "2" }, "a"],
    );
    assert.deepEqual(
      [deletion?.operation, deletion?.object, valueAt(deletion?.oldObject, "data")],
      ["DELETE", null, { k: "v", b: "2" }],
    );
  },
  "a refusal is told in the webhook's words": async (world) => {
    const verdicts: Record<string, JsonObject> = {
      plain: {},
      worded: { status: { message: "not today" } },
      coded: { status: { message: "too many", code: 429, reason: "TooManyRequests" } },
      odd: { status: { message: "fine", code: 200 } },
      reasoned: { status: { reason: "Because" } },
    };
    await register(world, "deny", {
      verdict: ({ name = "" }) =>
        name in verdicts ? { allowed: false, warnings: ["careful"], ...verdicts[name] } : {},
    });
    await settle(world);
    const denied = 'admission webhook "deny.example.com" denied the request';
    const plain = await create(world, "plain");
    assert.equal(plain.headers.get("warning"), '299 - "careful"');
    expectRefusal(plain, 400, { message: `${denied} without explanation` });
    expectRefusal(await create(world, "worded"), 400, { message: `${denied}: not today` });
    expectRefusal(await create(world, "coded"), 429, { reason: "TooManyRequests", message: `${denied}: too many` });
    expectRefusal(await create(world, "odd"), 400, { message: `${denied}: fine` });
    expectRefusal(await create(world, "reasoned"), 400, { reason: "Because", message: `${denied}: Because` });
  },
  "one that cannot be reached stops the write, or is passed over": async (world) => {
    const clientConfig = { url: "https://127.0.0.1:1/closed" };
    await register(world, "ignored", { clientConfig, failurePolicy: "Ignore" });
    await settle(world);
    expectBody(await create(world, "a"), 201);
    await register(world, "needed", { clientConfig, failurePolicy: "Fail", timeoutSeconds: 7 });
    await world.until(world.path("configmaps"), () => true);
    const deadline = performance.now() + 15_000;
    let answer = await create(world, "b0");
    for (let attempt = 1; answer.status === 201; attempt += 1) {
      assert.ok(performance.now() < deadline, "the webhook is never called");
      answer = await create(world, `b${attempt}`);
    }
    expectRefusal(answer, 500, {
      reason: "InternalError",
      message:
        'Internal error occurred: failed calling webhook "needed.example.com": failed to call webhook: Post "https://127.0.0.1:1/closed?timeout=7s": dial tcp 127.0.0.1:1: connect: connection refused',
    });
  },
  "one that takes too long has failed": async (world) => {
    await register(world, "slow", {
      timeoutSeconds: 1,
      verdict: async ({ name }) => {
        if (name === "a") await sleep(1_500);
        return {};
      },
    });
    await settle(world);
    expectRefusal(await create(world), 500, {
      reason: "InternalError",
      message:
        /^Internal error occurred: failed calling webhook "slow\.example\.com": failed to call webhook: Post "https:.*\?timeout=1s": (context deadline exceeded|net\/http: request canceled.*)$/,
    });
  },
  "an answer that is none has failed": async (world) => {
    const answers: Record<string, Verdict> = {
      code: 500,
      html: "<html>",
      uid: { uid: "other" },
      "bad-patch": { patch: [{ op: "remove", path: "/none" }] },
    };
    await register(world, "broken", {
      type: "mutating",
      verdict: ({ name = "" }) => answers[name] ?? {},
    });
    await settle(world);
    const failed = 'Internal error occurred: failed calling webhook "broken.example.com": ';
    const refused = async (name: string, message: string | RegExp): Promise<void> =>
      expectRefusal(await create(world, name), 500, { reason: "InternalError", message });
    await refused(
      "code",
      `${failed}failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding`,
    );
    await refused("html", /^Internal error occurred: failed calling webhook "broken\.example\.com": /);
    await refused("uid", /expected response\.uid="[0-9a-f-]{36}", got "other"$/);
    await refused("bad-patch", /^Internal error occurred: /);
  },
  "conditions say what a webhook is not asked about": async (world) => {
    const asked = await register(world, "picky", {
      matchConditions: [
        { name: "not-system", expression: "!request.userInfo.username.startsWith('system:')" },
        { name: "wanted", expression: "object.metadata.?labels['ask'].orValue('') == 'yes'" },
      ],
    });
    await settle(world);
    await create(world, "a", { labels: { ask: "yes" } });
    await create(world, "b");
    assert.deepEqual([of(asked, "a").length, of(asked, "b").length], [1, 0]);
  },
  "a condition that fails stops the write": async (world) => {
    const fails = { name: "fails", expression: "request.name == 'a' && object.data['none'] == 'x'" };
    await register(world, "wrong", { matchConditions: [fails] });
    await settle(world);
    const answer = await create(world, "a");
    expectRefusal(answer, 403, { reason: "Forbidden", message: /^configmaps "a" is forbidden: .*no such key: none/ });
  },
  "selectors of namespaces and objects say whom a webhook concerns": async (world) => {
    const elsewhere = await register(world, "elsewhere", { namespaceSelector: { matchLabels: { none: "x" } } });
    const labelled = await register(world, "labelled", { objectSelector: { matchLabels: { ask: "yes" } } });
    await settle(world);
    await create(world, "a", { labels: { ask: "yes" } });
    await create(world, "b");
    expectBody(
      await world.call("PATCH", `${world.path("configmaps")}/a`, { body: { metadata: { labels: null } } }),
      200,
    );
    assert.deepEqual([elsewhere.length, of(labelled, "a").length, of(labelled, "b").length], [0, 2, 0]);
  },
  "a webhook is asked again about what a later one changed, if it wants to be": async (world) => {
    const add = (key: string) => ({ patch: [{ op: "add", path: `/data/${key}`, value: "1" }] });
    const again = await register(world, "a-again", {
      type: "mutating",
      reinvocationPolicy: "IfNeeded",
      verdict: () => add("first"),
    });
    const once = await register(world, "b-once", { type: "mutating", verdict: () => add("second") });
    await settle(world);
    expectBody(await create(world, "a"), 201, { data: { k: "v", first: "1", second: "1" } });
    assert.deepEqual([of(again, "a").length, of(once, "a").length], [2, 1]);
  },
  "rules name subresources of their own": async (world) => {
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"] };
    const statuses = await register(world, "statuses", { rules: [{ ...rule, resources: ["pods/status"] }] });
    const pods = await register(world, "pods", { rules: [{ ...rule, resources: ["pods"] }] });
    await settle(world);
    const { call, path } = world;
    const containers = [{ name: "c", image: "i" }];
    expectBody(await call("POST", path("pods"), { body: { metadata: { name: "p" }, spec: { containers } } }), 201);
    const at = `${path("pods")}/p`;
    expectBody(await call("PATCH", `${at}/status`, { body: { status: { phase: "Running" } } }), 200);
    expectBody(await call("PATCH", at, { body: { metadata: { labels: { a: "b" } } } }), 200);
    assert.deepEqual([statuses[0]?.["subResource"], statuses.length, pods.length], ["status", 1, 1]);
  },
  "what a webhook does to a custom object is pruned, defaulted and checked": async (world) => {
    const widgets = await installWidgets(world);
    const verdicts: Record<string, JsonObject> = {
      pruned: { patch: [{ op: "add", path: "/spec/odd", value: 1 }] },
      broken: { patch: [{ op: "replace", path: "/spec/size", value: 99 }] },
    };
    await register(world, "change", {
      type: "mutating",
      rules: [{ apiGroups: [world.group], apiVersions: ["*"], resources: ["widgets"], operations: ["CREATE"] }],
      verdict: ({ name = "" }) => verdicts[name] ?? {},
    });
    await settle(world);
    const pruned = expectBody(await world.call("POST", widgets, { body: widget(world, "pruned") }), 201);
    assert.equal(valueAt(pruned, "spec.odd"), undefined);
    const broken = await world.call("POST", widgets, { body: widget(world, "broken") });
    assert.equal(broken.status, 422);
    assert.match(String(broken.body["message"]), /spec\.size in body should be less than or equal to 10/);
  },
});
