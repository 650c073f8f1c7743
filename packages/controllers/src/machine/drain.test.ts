// What the instance of a deleted Machine waits for: pods that move, volumes that are detached, and for how long.
import {
  ANNOTATION_DRAIN_POLICY,
  ANNOTATION_DRAIN_TIMEOUT,
  ANNOTATION_SKIP_EVICTION,
  ANNOTATION_VOLUME_DETACH_TIMEOUT,
} from "@machine-controller/api/well-known";
import { coreResources, KubeError } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineDeployments, machines, machineSets } from "../resources.ts";
import { createWorld, type World } from "../testing/world.ts";

const { nodes, pods, volumeAttachments } = coreResources;
const HOUR_MS = 3_600_000;

const conditionOf = (world: World, type: string) =>
  world.machine()?.status?.conditions?.find((condition) => condition.type === type);
const addPod = (world: World, name: string, metadata: object = {}): object =>
  world.cluster.put(pods, { metadata: { name, ...metadata }, spec: { nodeName: "m" } });
const attach = (world: World, name: string, node = "m"): object =>
  world.cluster.put(volumeAttachments, {
    metadata: { name: `attachment-${name}` },
    spec: { attacher: "csi", nodeName: node, source: { persistentVolumeName: name } },
    status: { attached: true },
  });

/** Machines `m`, to be deleted, and `other`, whose Node takes pods. */
async function readyWorld(metadata: object = {}): Promise<World> {
  const world = await createWorld();
  world.addMachine({ metadata });
  world.addMachine({ metadata: { name: "other" } });
  await world.until(() => ["m", "other"].every((name) => world.machine(name)?.status?.phase === "Running"));
  return world;
}

/** Seconds until the Machine is gone; undefined: not within `limitMs`. */
async function secondsToGo(world: World, limitMs = 5 * HOUR_MS): Promise<number | undefined> {
  const startedAt = world.clock.now();
  world.cluster.remove(machines, "m");
  while (world.machine() !== undefined && world.clock.now() < startedAt + limitMs) await world.pass(1_000);
  return world.machine() === undefined ? (world.clock.now() - startedAt) / 1_000 : undefined;
}

test("pods move before the instance goes; what holds them back is told, and until when", async () => {
  const world = await readyWorld();
  addPod(world, "free");
  addPod(world, "held", { annotations: { budget: "quorum" } });
  addPod(world, "refused", { annotations: { budget: "forbidden" } });
  addPod(world, "daemon", {
    ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "d", controller: true }],
  });
  addPod(world, "mirror", { annotations: { "kubernetes.io/config.mirror": "x" } });
  world.cluster.put(pods, { metadata: { name: "done" }, spec: { nodeName: "m" }, status: { phase: "Succeeded" } });
  world.cluster.remove(machines, "m");
  await world.pass(60_000);
  assert.equal(world.node()?.spec?.unschedulable, true);
  assert.deepEqual(
    world.cluster.list(pods).map(({ metadata }) => metadata.name),
    ["held", "refused", "daemon", "mirror", "done"],
  );
  const { status, reason, message = "", lastTransitionTime } = conditionOf(world, "Draining") ?? {};
  assert.deepEqual([status, reason], ["True", "PodsHeldBack"]);
  const deadline = new Date(Date.parse(world.machine()?.metadata.deletionTimestamp ?? "") + 2 * HOUR_MS).toISOString();
  assert.equal(
    message,
    `since ${lastTransitionTime} kube-system/held (The disruption budget quorum needs 2 healthy pods and has 2 currently), ` +
      `kube-system/refused (pods/eviction is forbidden) must move; the instance goes without them at ${deadline}`,
  );
  assert.equal(world.cloud.vms().length, 2, "the instance waits for its pods");
  const writes = world.faults.calls.filter((call) => call === "patch machines").length;
  await world.pass(600_000);
  assert.equal(world.faults.calls.filter((call) => call === "patch machines").length, writes, "told once");
  assert.deepEqual(world.errors, []);

  await world.until(() => conditionOf(world, "Draining")?.status === "False", 2 * HOUR_MS);
  assert.deepEqual(
    [conditionOf(world, "Draining")?.reason, world.events.at(-1)?.reason],
    ["TimedOut", "DrainTimedOut"],
  );
  assert.match(world.events.at(-1)?.message ?? "", /7200 s to move; left were kube-system\/held, kube-system\/refused/);
  await world.until(() => world.machine() === undefined);
  assert.equal(world.cloud.vms().length, 1);
});

test("pods that go by themselves cost no write", async () => {
  const world = await readyWorld();
  addPod(world, "free");
  const before = world.faults.calls.length;
  assert.ok(((await secondsToGo(world)) ?? Infinity) < 10);
  assert.deepEqual(
    world.faults.calls.slice(before).filter((call) => !call.startsWith("cloud")),
    [
      "patch nodes",
      "list pods",
      "eviction pods",
      "list pods",
      "list volumeattachments",
      "delete nodes",
      "patch machines",
    ],
  );
});

type Annotations = Record<string, string>;
const RULES: [
  string,
  { machine?: Annotations; machineSet?: Annotations; deployment?: Annotations; node?: Annotations },
  seconds: number | undefined,
][] = [
  ["by default: the flag's time", {}, 7_200],
  ["for its own time", { machine: { [ANNOTATION_DRAIN_TIMEOUT]: "10m" } }, 600],
  ["for its MachineSet's time", { machineSet: { [ANNOTATION_DRAIN_TIMEOUT]: "10m" } }, 600],
  ["for its MachineDeployment's time", { deployment: { [ANNOTATION_DRAIN_TIMEOUT]: "10m" } }, 600],
  [
    "for its own time, whatever the others say",
    { machine: { [ANNOTATION_DRAIN_TIMEOUT]: "5m" }, deployment: { [ANNOTATION_DRAIN_TIMEOUT]: "10m" } },
    300,
  ],
  ["not where it skips", { deployment: { [ANNOTATION_DRAIN_POLICY]: "Skip" } }, 0],
  ["not where its Node says so", { node: { [ANNOTATION_SKIP_EVICTION]: "" } }, 0],
  ["for ever where it never forces", { deployment: { [ANNOTATION_DRAIN_POLICY]: "NeverForce" } }, undefined],
  ["for ever where its policy cannot be read", { machine: { [ANNOTATION_DRAIN_POLICY]: "neverforce" } }, undefined],
  ["for ever where its time cannot be read", { machine: { [ANNOTATION_DRAIN_TIMEOUT]: "10" } }, undefined],
];
for (const [name, { machine = {}, machineSet = {}, deployment = {}, node }, expected] of RULES) {
  test(`pods that cannot move are waited for ${name}`, async () => {
    const owner = (kind: string, uid: string) => ({ apiVersion: "cluster.k8s.io/v1alpha1", kind, name: "s", uid });
    const world = await readyWorld({ annotations: machine, ownerReferences: [owner("MachineSet", "ms")] });
    world.cluster.put(machineDeployments, { metadata: { name: "d", uid: "md", annotations: deployment } });
    world.cluster.put(machineSets, {
      metadata: { name: "s", uid: "ms", annotations: machineSet, ownerReferences: [owner("MachineDeployment", "md")] },
    });
    if (node) world.cluster.put(nodes, { metadata: { name: "m", annotations: node } });
    addPod(world, "held", { annotations: { budget: "quorum" } });
    const seconds = await secondsToGo(world);
    if (expected === undefined) assert.equal(seconds, undefined);
    else assert.ok(seconds !== undefined && seconds >= expected && seconds < expected + 20, `${seconds} s`);
  });
}

test("an annotation that cannot be read is named, and mending it lets the instance go", async () => {
  const world = await readyWorld({ annotations: { [ANNOTATION_DRAIN_TIMEOUT]: "10" } });
  addPod(world, "held", { annotations: { budget: "quorum" } });
  world.cluster.remove(machines, "m");
  await world.pass(30_000);
  assert.match(
    conditionOf(world, "Draining")?.message ?? "",
    /however long it takes; annotation machine-controller\/drain-timeout of Machine m is "10" and must be a duration/,
  );
  world.cluster.put(machines, { metadata: { name: "m", annotations: { [ANNOTATION_DRAIN_TIMEOUT]: "10s" } } });
  await world.until(() => world.machine() === undefined, 30_000);
});

test("a kubelet that dies during the drain ends it", async () => {
  const world = await readyWorld();
  addPod(world, "held", { annotations: { budget: "quorum" } });
  world.cluster.remove(machines, "m");
  await world.pass(30_000);
  world.joins = false;
  world.cluster.put(nodes, { metadata: { name: "m" }, status: { conditions: [{ type: "Ready", status: "Unknown" }] } });
  await world.until(() => world.machine() === undefined, 30_000);
});

const ELSEWHERE: [string, object, waits: boolean][] = [
  ["is Ready and takes pods", {}, true],
  ["has a taint that these pods need not tolerate", { spec: { taints: [{ key: "t", effect: "NoSchedule" }] } }, false],
  ["would rather have none", { spec: { taints: [{ key: "t", effect: "PreferNoSchedule" }] } }, true],
  ["has the taint that these pods tolerate", { spec: { taints: [{ key: "mine", effect: "NoSchedule" }] } }, true],
  ["is not Ready", { status: { conditions: [{ type: "Ready", status: "False" }] } }, false],
  ["is cordoned", { spec: { unschedulable: true } }, false],
];
for (const [name, other, waits] of ELSEWHERE) {
  test(`pods are evicted or not where the only other Node ${name}`, async () => {
    const world = await readyWorld();
    world.joins = false;
    world.cluster.put(nodes, { metadata: { name: "m" }, spec: { taints: [{ key: "mine", effect: "NoSchedule" }] } });
    world.cluster.put(nodes, { metadata: { name: "other" }, ...other });
    addPod(world, "held", { annotations: { budget: "quorum" } });
    assert.equal((await secondsToGo(world, 60_000)) === undefined, waits);
  });
}

test("pods are not evicted to a Node that goes too", async () => {
  const world = await readyWorld();
  addPod(world, "held", { annotations: { budget: "quorum" } });
  world.cluster.put(machines, { metadata: { name: "other", finalizers: ["theirs"] } });
  world.cluster.remove(machines, "other");
  assert.notEqual(await secondsToGo(world, 60_000), undefined);
});

test("an instance waits for its volumes, says for which, and goes once they are detached", async () => {
  const world = await readyWorld();
  attach(world, "pv-1");
  attach(world, "pv-2", "other");
  world.cluster.put(volumeAttachments, {
    metadata: { name: "failed" },
    spec: { attacher: "csi", nodeName: "m", source: { persistentVolumeName: "pv-3" } },
    status: { attached: false },
  });
  assert.equal(await secondsToGo(world, 120_000), undefined);
  const { status, reason, message } = conditionOf(world, "VolumesDetached") ?? {};
  assert.deepEqual([status, reason], ["False", "VolumesAttached"]);
  assert.match(message ?? "", /^pv-1 must be detached; the instance goes without that at 2030-/);
  assert.equal(world.cloud.vms().length, 2);
  world.cluster.remove(volumeAttachments, "attachment-pv-1");
  await world.until(() => conditionOf(world, "VolumesDetached")?.status === "True", 20_000);
  await world.until(() => world.machine() === undefined, 20_000);
});

test("volumes have their time, across restarts, and no more", async () => {
  for (const [annotations, seconds] of [
    [{}, 360],
    [{ [ANNOTATION_VOLUME_DETACH_TIMEOUT]: "1m" }, 60],
    [{ [ANNOTATION_VOLUME_DETACH_TIMEOUT]: "0s" }, 0],
  ] as const) {
    const world = await readyWorld({ annotations });
    attach(world, "pv-1");
    world.cluster.remove(machines, "m");
    await world.pass((seconds * 1_000) / 2);
    await world.restart();
    await world.until(() => world.machine() === undefined, (seconds * 1_000) / 2 + 15_000);
    const wanted = seconds === 0 ? [] : ["VolumesNotDetached"];
    assert.deepEqual(
      world.events.map(({ reason }) => reason).filter((reason) => reason !== "Created"),
      wanted,
    );
    await world.stop();
  }
});

test("volumes of pods that are left are not waited for", async () => {
  const world = await readyWorld({ annotations: { [ANNOTATION_DRAIN_POLICY]: "Skip" } });
  attach(world, "pv-1");
  assert.notEqual(await secondsToGo(world, 10_000), undefined);
});

test("a controller that may not list attachments does not wait for them, and says so", async () => {
  const world = await readyWorld();
  attach(world, "pv-1");
  world.cluster.refusals.set("volumeattachments", new KubeError("Forbidden", "volumeattachments is forbidden"));
  assert.notEqual(await secondsToGo(world, 10_000), undefined);
  assert.match(world.events.at(-1)?.message ?? "", /forbidden; allow the controller to list volumeattachments/);
});
