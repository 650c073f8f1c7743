/** PodDisruptionBudgets: what they count, what is no budget, and how they hold evictions back. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject, KubeObject } from "../../object.ts";
import { objectAt, valueAt } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt, takeEvents } from "../expect.ts";
import { pod } from "../manifests.ts";
import type { Answer, World } from "../world.ts";

const BUDGETS = "policy/v1/poddisruptionbudgets";
const toRun = (isReady: boolean) => ({
  status: { phase: "Running", conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
});
const RUNNING = toRun(true);

async function createPods({ call, path }: World, labels: Record<string, Record<string, string>>, metadata = {}) {
  for (const [name, own] of Object.entries(labels)) {
    expectBody(await call("POST", path("pods"), { body: pod(name, {}, { ...metadata, labels: own }) }), 201);
    expectBody(await call("PATCH", `${path("pods")}/${name}/status`, { body: RUNNING }), 200);
  }
}

/** Three that no controller owns. */
const createPlain = (world: World) =>
  createPods(world, { a: { app: "x", tier: "gold" }, b: { app: "x", tier: "tin" }, c: { app: "x" } });

/** Of a ReplicaSet that wants four; where no controller makes them, this does. */
async function createOwned(world: World): Promise<void> {
  const { call, path } = world;
  const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const spec = { replicas: 4, selector: { matchLabels: { app: "x" } }, template };
  const set = await call("POST", path("apps/v1/replicasets"), { body: { metadata: { name: "rs" }, spec } });
  const { uid } = expectBody(set, 201).metadata;
  const names = async () =>
    itemsAt((await call("GET", path("pods"))).body, "items").map((item) => valueAt(item, "metadata.name"));
  for (let tries = 0; tries < 10 && (await names()).length < 4; tries += 1) await sleep(100);
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid, controller: true };
  if ((await names()).length === 0) {
    const labels = { app: "x" };
    await createPods(world, { a: labels, b: labels, c: labels, d: labels }, { ownerReferences: [owner] });
  }
  for (const name of await names()) {
    expectBody(await call("PATCH", `${path("pods")}/${String(name)}/status`, { body: RUNNING }), 200);
  }
}

/** Pods that the budget `b` is for, and the budget once it counts them. */
async function createGuarded(world: World, spec: object, ready: Record<string, boolean>): Promise<void> {
  const { call, path, until } = world;
  const labels = { app: "x" };
  for (const [name, isReady] of Object.entries(ready)) {
    const metadata = { labels, finalizers: ["example.com/hold"] };
    expectBody(await call("POST", path("pods"), { body: pod(name, {}, metadata) }), 201);
    expectBody(await call("PATCH", `${path("pods")}/${name}/status`, { body: toRun(isReady) }), 200);
  }
  const body = { metadata: { name: "b" }, spec: { ...spec, ...x } };
  const created = expectBody(await call("POST", path(BUDGETS), { body }), 201);
  const healthy = Object.values(ready).filter(Boolean).length;
  const { generation } = created.metadata;
  await until(`${path(BUDGETS)}/b`, (budget) => {
    const { currentHealthy, observedGeneration } = objectAt(budget, "status");
    return observedGeneration === generation && currentHealthy === healthy;
  });
}

const evict = ({ call, path }: World, name: string, options: { deleteOptions?: object; query?: string } = {}) => {
  const { query = "", ...more } = options;
  return call("POST", `${path("pods")}/${name}/eviction${query}`, { body: { metadata: { name }, ...more } });
};

function expectPutOff(answer: Answer, why: string, more: object = {}): void {
  expectRefusal(answer, 429, {
    reason: "TooManyRequests",
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: "DisruptionBudget", message: `The disruption budget b ${why}` }], ...more },
  });
}

/** A pod whose controller nobody can ask how many it wants. */
async function createUnscalable({ call, path }: World): Promise<void> {
  const owner = expectBody(await call("POST", path("configmaps"), { body: { metadata: { name: "owner" } } }), 201);
  const { name, uid } = owner.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid, controller: true }];
  const metadata = { labels: { app: "x" }, ownerReferences };
  expectBody(await call("POST", path("pods"), { body: pod("owned", {}, metadata) }), 201);
}

type Counts = [expectedPods: number, currentHealthy: number, desiredHealthy: number, disruptionsAllowed: number];

/** Each budget comes to count so. */
async function expectCounts(world: World, rows: readonly [spec: object, counts: Counts][]): Promise<void> {
  const { call, path, until } = world;
  for (const [index, [spec, counts]] of rows.entries()) {
    expectBody(await call("POST", path(BUDGETS), { body: { metadata: { name: `b${index}` }, spec } }), 201);
    const [expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed] = counts;
    const wanted = JSON.stringify({
      expectedPods,
      currentHealthy,
      desiredHealthy,
      disruptionsAllowed,
      is: disruptionsAllowed > 0,
    });
    await until(`${path(BUDGETS)}/b${index}`, (budget) => {
      const status = (budget?.["status"] ?? {}) as JsonObject;
      const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed } = status;
      const is = itemsAt(status, "conditions")[0]?.["status"] === "True";
      return JSON.stringify({ expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed, is }) === wanted;
    });
  }
}

const x = { selector: { matchLabels: { app: "x" } } };
const tier = (operator: string, ...values: string[]) => ({
  selector: { matchExpressions: [{ key: "tier", operator, ...(values.length > 0 && { values }) }] },
});

export const disruptionCases = behaviour("disruptions", {
  "an empty selector selects all pods, none selects none": async (world) => {
    await createPlain(world);
    await expectCounts(world, [
      [{ minAvailable: 1, selector: {} }, [3, 3, 1, 2]],
      [{ minAvailable: 1 }, [0, 0, 1, 0]],
      [{ minAvailable: 1, selector: { matchLabels: { app: "none" } } }, [0, 0, 1, 0]],
    ]);
  },
  "expressions select": async (world) => {
    await createPlain(world);
    await expectCounts(world, [
      [{ minAvailable: 1, ...tier("In", "gold") }, [1, 1, 1, 0]],
      [{ minAvailable: 1, ...tier("NotIn", "gold") }, [2, 2, 1, 1]],
      [{ minAvailable: 1, ...tier("Exists") }, [2, 2, 1, 1]],
      [{ minAvailable: 0, ...tier("DoesNotExist") }, [1, 1, 0, 1]],
    ]);
  },
  "of pods without a controller there is no part": async (world) => {
    await createPlain(world);
    await expectCounts(world, [
      [{ minAvailable: 2, ...x }, [3, 3, 2, 1]],
      [{ minAvailable: "50%", ...x }, [0, 3, 0, 0]],
      [{ maxUnavailable: 1, ...x }, [0, 3, 0, 0]],
      [{ maxUnavailable: "50%", ...x }, [0, 3, 0, 0]],
      [x, [0, 3, 0, 0]],
    ]);
  },
  "parts are of what controllers want, and are rounded up": async (world) => {
    await createOwned(world);
    await expectCounts(world, [
      [{ minAvailable: "50%", ...x }, [4, 4, 2, 2]],
      [{ minAvailable: "30%", ...x }, [4, 4, 2, 2]],
      [{ maxUnavailable: 1, ...x }, [4, 4, 3, 1]],
      [{ maxUnavailable: "30%", ...x }, [4, 4, 2, 2]],
      [{ maxUnavailable: 0, ...x }, [4, 4, 4, 0]],
    ]);
  },
  "what is no budget is refused": async ({ call, path }) => {
    const percent =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    const rows: [object, string, string][] = [
      [{ minAvailable: -1 }, "spec.minAvailable", "Invalid value: -1: must be greater than or equal to 0"],
      [{ minAvailable: "x" }, "spec.minAvailable", `Invalid value: "x": ${percent}`],
      [{ maxUnavailable: "101%" }, "spec.maxUnavailable", 'Invalid value: "101%": must not be greater than 100%'],
      [
        { minAvailable: 1, maxUnavailable: 1, ...x },
        "spec",
        'Invalid value: {"MinAvailable":1,"Selector":{"matchLabels":{"app":"x"}},"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      ],
      [
        { minAvailable: 1, ...tier("Zap") },
        "spec.selector.matchExpressions[0].operator",
        'Invalid value: "Zap": not a valid selector operator',
      ],
    ];
    for (const [spec, field, message] of rows) {
      const answer = await call("POST", path(BUDGETS), { body: { metadata: { name: "b" }, spec } });
      expectInvalid(answer, [{ field, reason: "FieldValueInvalid", message }]);
    }
    const spec = { minAvailable: 1, unhealthyPodEvictionPolicy: "Zap" };
    const answer = await call("POST", path(BUDGETS), { body: { metadata: { name: "b" }, spec } });
    const message = 'Unsupported value: "Zap": supported values: "AlwaysAllow", "IfHealthyBudget"';
    expectInvalid(answer, [{ field: "spec.unhealthyPodEvictionPolicy", reason: "FieldValueNotSupported", message }]);
  },
  "an eviction that a budget does not allow is put off": async (world) => {
    const { call, path, until } = world;
    await createPlain(world);
    const evict = (name: string, of = name) =>
      call("POST", `${path("pods")}/${of}/eviction`, { body: { metadata: { name } } });
    await expectCounts(world, [[{ minAvailable: 2, ...x }, [3, 3, 2, 1]]]);
    expectRefusal(await evict("other", "a"), 400, {
      reason: "BadRequest",
      message: "name in URL does not match name in Eviction object",
    });
    assert.equal((await evict("none")).status, 404);
    assert.equal((await evict("a")).status, 201);
    // At once, though the budget's status may still count the pod that went.
    assert.equal((await evict("b")).status, 429);
    await until(`${path(BUDGETS)}/b0`, (budget) => valueAt(budget, "status.currentHealthy") === 2);
    expectRefusal(await evict("b"), 429, {
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          { reason: "DisruptionBudget", message: "The disruption budget b0 needs 2 healthy pods and has 2 currently" },
        ],
      },
    });
    expectBody(await call("POST", path(BUDGETS), { body: { metadata: { name: "second" }, spec: x } }), 201);
    expectRefusal(await evict("c"), 500, {
      message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    });
  },
  "a pod that is not ready may go once enough others are healthy, and spends nothing": async (world) => {
    await createGuarded(world, { minAvailable: 2 }, { a: true, b: true, c: false, d: false });
    expectPutOff(await evict(world, "a"), "needs 2 healthy pods and has 2 currently");
    for (const name of ["c", "d"]) {
      expectBody(await evict(world, name), 201, { kind: "Status", status: "Success", code: 201 });
    }
    assert.deepEqual(await hasGone(world), { a: false, b: false, c: true, d: true });
  },
  "a pod that is not ready is put off while too few are healthy, unless the budget always lets it go": async (
    world,
  ) => {
    const { call, path, until } = world;
    const setPolicy = async (unhealthyPodEvictionPolicy: string) => {
      const body = { spec: { unhealthyPodEvictionPolicy } };
      const { generation } = expectBody(await call("PATCH", `${path(BUDGETS)}/b`, { body }), 200).metadata;
      await until(`${path(BUDGETS)}/b`, (budget) => valueAt(budget, "status.observedGeneration") === generation);
    };
    await createGuarded(world, { minAvailable: 2 }, { a: true, b: false });
    const why = "needs 2 healthy pods and has 1 currently";
    expectPutOff(await evict(world, "b"), why);
    await setPolicy("IfHealthyBudget");
    expectPutOff(await evict(world, "b"), why);
    await setPolicy("AlwaysAllow");
    expectPutOff(await evict(world, "a"), why);
    expectBody(await evict(world, "b"), 201);
  },
  "a budget that wants nothing healthy lets nothing that is not ready go": async (world) => {
    await createGuarded(world, { minAvailable: 0 }, { a: false });
    expectPutOff(await evict(world, "a"), "needs 0 healthy pods and has 0 currently");
  },
  "an eviction waits for a budget whose count has failed": async (world) => {
    const { call, path, until } = world;
    await createGuarded(world, { minAvailable: 1 }, { a: true, b: true });
    await createUnscalable(world);
    expectBody(await call("PATCH", `${path(BUDGETS)}/b`, { body: { spec: { minAvailable: "50%" } } }), 200);
    const message = "configmaps does not implement the scale subresource";
    await until(`${path(BUDGETS)}/b`, (budget) => itemsAt(budget, "status.conditions")[0]?.["message"] === message);
    expectBody(await call("GET", `${path(BUDGETS)}/b`), 200, {
      status: {
        disruptionsAllowed: 0,
        observedGeneration: 1,
        conditions: [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", observedGeneration: 1 }],
      },
    });
    expectPutOff(await evict(world, "a"), "is still being processed by the server.", { retryAfterSeconds: 10 });
  },
  "an eviction is told of a count that failed later": async (world) => {
    const { path, until } = world;
    await createGuarded(world, { maxUnavailable: 1 }, { a: true });
    expectPutOff(await evict(world, "a"), "does not allow evicting pods currently");
    await createUnscalable(world);
    await until(`${path(BUDGETS)}/b`, (budget) => itemsAt(budget, "status.conditions")[0]?.["reason"] === "SyncFailed");
    const problem = "configmaps does not implement the scale subresource";
    expectPutOff(await evict(world, "a"), `does not allow evicting pods currently because it failed sync: ${problem}`);
  },
  "pods that are over count as expected, and go unasked": async (world) => {
    const { call, path, until } = world;
    await createGuarded(world, { minAvailable: 3 }, { a: true, b: true });
    const body = { status: { phase: "Failed", conditions: [{ type: "Ready", status: "False" }] } };
    expectBody(await call("PATCH", `${path("pods")}/b/status`, { body }), 200);
    await until(`${path(BUDGETS)}/b`, (budget) => valueAt(budget, "status.currentHealthy") === 1);
    expectBody(await call("GET", `${path(BUDGETS)}/b`), 200, { status: { expectedPods: 2 } });
    expectBody(await evict(world, "b"), 201);
  },
  "an eviction says so on the pod and in the budget": async (world) => {
    const { call, path, watch } = world;
    await createGuarded(world, { minAvailable: 1 }, { a: true, b: true });
    const { resourceVersion } = expectBody(await call("GET", `${path(BUDGETS)}/b`), 200).metadata;
    const budgets = await watch(`${path(BUDGETS)}?watch=1&resourceVersion=${resourceVersion}`);
    expectBody(await evict(world, "a"), 201);
    const event = (await takeEvents(budgets, 1))[0];
    const status = objectAt(event?.object, "status");
    assert.deepEqual(Object.keys(objectAt(status, "disruptedPods")), ["a"]);
    assert.partialDeepStrictEqual(status, {
      disruptionsAllowed: 0,
      conditions: [{ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }],
    });
    const managers = event?.object.metadata.managedFields ?? [];
    assert.ok(managers.some(({ manager, subresource }) => manager === "kube-apiserver" && subresource === "status"));
    const evicted = expectBody(await call("GET", `${path("pods")}/a`), 200);
    assert.ok(evicted.metadata.deletionTimestamp);
    assert.partialDeepStrictEqual(
      itemsAt(evicted, "status.conditions").find(({ type }) => type === "DisruptionTarget"),
      {
        status: "True",
        reason: "EvictionByEvictionAPI",
        message: "Eviction API: evicting",
        lastProbeTime: null,
      },
    );
  },
  "a dry run of an eviction spends nothing": async (world) => {
    const { call, path } = world;
    await createGuarded(world, { minAvailable: 1 }, { a: true, b: true });
    for (const name of ["a", "b"]) {
      expectBody(await evict(world, name, { query: "?dryRun=All" }), 201);
      expectBody(await evict(world, name, { deleteOptions: { dryRun: ["All"] } }), 201);
    }
    expectBody(await call("GET", `${path(BUDGETS)}/b`), 200, { status: { disruptionsAllowed: 1 } });
    assert.deepEqual(await hasGone(world), { a: false, b: false });
  },
  "what is no eviction is refused": async (world) => {
    const { call, path } = world;
    await createGuarded(world, { minAvailable: 0 }, { a: true });
    const elsewhere = { metadata: { name: "a", namespace: "other" } };
    expectRefusal(await call("POST", `${path("pods")}/a/eviction`, { body: elsewhere }), 400, {
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    });
    expectInvalid(await evict(world, "a", { deleteOptions: { dryRun: ["x"] } }), [
      {
        field: "dryRun",
        reason: "FieldValueNotSupported",
        message: 'Unsupported value: ["x"]: supported values: "All"',
      },
    ]);
    assert.deepEqual(await hasGone(world), { a: false });
    const former = { apiVersion: "policy/v1beta1", kind: "Eviction", metadata: { name: "a" } };
    expectBody(await call("POST", `${path("pods")}/a/eviction`, { body: former }), 201);
  },
});

/** Of each pod, whether its deletion was asked for. */
async function hasGone({ call, path }: World): Promise<Record<string, boolean>> {
  const pods = itemsAt((await call("GET", path("pods"))).body, "items") as KubeObject[];
  return Object.fromEntries(pods.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined]));
}
