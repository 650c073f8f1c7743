/** PodDisruptionBudgets: what they count, what is no budget, and how they hold evictions back. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../object.ts";
import { valueAt } from "../../object.ts";
import { behaviour } from "../behaviour.ts";
import { expectBody, expectInvalid, expectRefusal, itemsAt } from "../expect.ts";
import { pod } from "../manifests.ts";
import type { World } from "../world.ts";

const BUDGETS = "policy/v1/poddisruptionbudgets";
const RUNNING = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };

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
});
