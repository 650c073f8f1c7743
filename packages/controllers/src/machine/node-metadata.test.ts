import type { Machine } from "@machine-controller/api";
import {
  ANNOTATION_NODE_MACHINE,
  ANNOTATION_SYNCED_TO_NODE,
  LABEL_NODE_OWNER,
} from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines } from "../resources.ts";
import { createWorld, type World } from "../testing/world.ts";

const { nodes } = coreResources;
type Labels = Record<string, string | null>;

/** What a Machine says over time, and what others do to the Node in between → labels of the Node, `null`: has none. */
const HISTORIES: [
  string,
  (step: { says(labels: Labels): Promise<void>; node(labels: Labels): Promise<void> }) => Promise<void>,
  Labels,
][] = [
  ["is given what the Machine says", ({ says }) => says({ a: "1" }), { a: "1" }],
  [
    "loses what the Machine says no more",
    async ({ says }) => (await says({ a: "1", b: "2" }), says({ a: null })),
    { a: null, b: "2" },
  ],
  ["is given a changed value", async ({ says }) => (await says({ a: "1" }), says({ a: "2" })), { a: "2" }],
  [
    "gets back what somebody took off",
    async ({ says, node }) => (await says({ a: "1" }), node({ a: null })),
    { a: "1" },
  ],
  ["keeps a value of its own", async ({ says, node }) => (await node({ a: "own" }), says({ a: "1" })), { a: "own" }],
  [
    "keeps a value of its own whatever becomes of the Machine's",
    async ({ says, node }) => (
      await node({ a: "own" }),
      await says({ a: "1" }),
      await says({ a: "2" }),
      says({ a: null })
    ),
    { a: "own" },
  ],
  [
    "keeps what somebody changed since",
    async ({ says, node }) => (await says({ a: "1" }), node({ a: "theirs" })),
    { a: "theirs" },
  ],
  [
    "keeps what somebody changed when the Machine says it no more",
    async ({ says, node }) => (await says({ a: "1" }), await node({ a: "theirs" }), says({ a: null })),
    { a: "theirs" },
  ],
  [
    "is given a new value over what somebody changed",
    async ({ says, node }) => (await says({ a: "1" }), await node({ a: "theirs" }), says({ a: "2" })),
    { a: "2" },
  ],
  [
    "loses a value that the Go implementation gave it",
    async ({ says, node }) => (await node({ a: "1" }), await says({ a: "1" }), says({ a: null })),
    { a: null },
  ],
  ["is not told another owner", ({ says }) => says({ [LABEL_NODE_OWNER]: "someone" }), { [LABEL_NODE_OWNER]: "uid-1" }],
];

async function readyWorld(): Promise<World> {
  const world = await createWorld();
  world.addMachine({ metadata: { uid: "uid-1" } });
  await world.until(() => world.machine()?.status?.phase === "Running");
  return world;
}

for (const kind of ["labels", "annotations"] as const) {
  for (const [name, history, expected] of HISTORIES) {
    if (kind === "annotations" && LABEL_NODE_OWNER in expected) continue;
    test(`${kind}: a Node ${name}`, async () => {
      const world = await readyWorld();
      await history({
        async says(values) {
          world.cluster.put(machines, { metadata: { name: "m" }, spec: { metadata: { [kind]: values } } });
          await world.pass(2_000);
        },
        async node(values) {
          world.cluster.put(nodes, { metadata: { name: "m", [kind]: values } });
          await world.pass(2_000);
        },
      });
      const has = world.node()?.metadata[kind] ?? {};
      for (const [key, value] of Object.entries(expected)) assert.equal(has[key] ?? null, value, key);
      const before = world.faults.calls.length;
      await world.pass(60_000);
      assert.equal(world.faults.calls.length, before, "it comes to rest");
      assert.deepEqual(world.cluster.noops, []);
    });
  }
}

const taintsOf = (node: Node | undefined): string[] =>
  (node?.spec?.taints ?? []).map(({ key, value = "", effect }) => `${key}=${value}:${effect}`);

test("taints come, change and go with the Machine's, and those of others stay", async () => {
  const world = await readyWorld();
  const say = async (taints: object[]): Promise<string[]> => {
    world.cluster.put(machines, { metadata: { name: "m" }, spec: { taints } });
    await world.pass(2_000);
    return taintsOf(world.node());
  };
  world.cluster.put(nodes, { metadata: { name: "m" }, spec: { taints: [{ key: "theirs", effect: "NoSchedule" }] } });
  const a = (value: string, effect = "NoSchedule"): object => ({ key: "a", value, effect });
  assert.deepEqual(await say([a("1"), a("1"), { key: "theirs", value: "x", effect: "NoSchedule" }]), [
    "theirs=:NoSchedule",
    "a=1:NoSchedule",
  ]);
  assert.deepEqual(await say([a("2"), a("1", "NoExecute")]), ["theirs=:NoSchedule", "a=2:NoSchedule", "a=1:NoExecute"]);
  assert.deepEqual(await say([]), ["theirs=:NoSchedule"]);
});

test("an event tells what a Node was given later on", async () => {
  const world = await readyWorld();
  const taints = [{ key: "t", effect: "NoSchedule" }];
  world.cluster.put(machines, { metadata: { name: "m" }, spec: { metadata: { labels: { a: "1", b: "2" } }, taints } });
  await world.pass(2_000);
  assert.deepEqual(world.events.map(({ reason, message }) => [reason, message]).slice(1), [
    ["LabelsAnnotationsTaintsUpdated", "Updated Node m: labels a, b; taints"],
  ]);
});

test("a Node that joins anew is told everything anew", async () => {
  const world = await readyWorld();
  world.cluster.put(machines, { metadata: { name: "m" }, spec: { metadata: { labels: { a: "1" } } } });
  await world.pass(2_000);
  world.cluster.remove(nodes, "m");
  await world.until(() => world.machine()?.status?.phase === "Running" && world.node()?.metadata.labels?.["a"] === "1");
});

test("a kubelet cannot have a taint removed by what it writes to its own Node", async () => {
  const world = await readyWorld();
  world.cluster.put(nodes, {
    metadata: {
      name: "m",
      annotations: { [ANNOTATION_SYNCED_TO_NODE]: JSON.stringify({ taints: { "quarantine:NoExecute": "" } }) },
    },
    spec: { taints: [{ key: "quarantine", effect: "NoExecute" }] },
  });
  await world.pass(10_000);
  assert.deepEqual(taintsOf(world.node()), ["quarantine=:NoExecute"]);
});

test("what is remembered survives a restart, and a record that cannot be read removes nothing", async () => {
  const world = await readyWorld();
  world.cluster.put(machines, {
    metadata: { name: "m" },
    spec: { metadata: { labels: { a: "1" }, annotations: { b: "x".repeat(9_000) } } },
  });
  await world.pass(2_000);
  const record = world.machine()?.metadata.annotations?.[ANNOTATION_SYNCED_TO_NODE] ?? "";
  assert.ok(record.length < 100, record);
  await world.restart();
  world.cluster.put(machines, { metadata: { name: "m" }, spec: { metadata: { annotations: { b: null } } } });
  await world.pass(2_000);
  assert.equal(world.node()?.metadata.annotations?.["b"], undefined);
  const patch: Partial<Machine> = {
    metadata: { name: "m", annotations: { [ANNOTATION_SYNCED_TO_NODE]: "{" } },
    spec: { metadata: { labels: { a: null } } } as never,
  };
  world.cluster.put(machines, patch);
  await world.pass(2_000);
  assert.equal(world.node()?.metadata.labels?.["a"], "1");
  assert.equal(world.node()?.metadata.annotations?.[ANNOTATION_NODE_MACHINE], "kube-system/m");
});
