// What the cloud says is not always so: nothing is replaced, given up or leaked on less than a confirmed not-found.
import { ProviderError } from "@machine-controller/provider";
import {
  ANNOTATION_CONFIRM_GONE,
  ANNOTATION_INSTANCE,
  FINALIZER_INSTANCE,
  FINALIZER_NODE,
} from "@machine-controller/api/well-known";
import { coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines, machineSets } from "../resources.ts";
import { createWorld, type World } from "../testing/world.ts";

const { nodes } = coreResources;

const conditionOf = (world: World, type: string, name = "m") =>
  world.machine(name)?.status?.conditions?.find((condition) => condition.type === type);
const isReady = (world: World, name = "m"): boolean => conditionOf(world, "Ready", name)?.status === "True";

async function readyWorld(names: readonly string[], options: Parameters<typeof createWorld>[0] = {}): Promise<World> {
  const world = await createWorld(options);
  for (const name of names) world.addMachine({ metadata: { name } });
  await world.until(() => names.every((name) => isReady(world, name)));
  return world;
}

function breakNode(world: World, name = "m"): void {
  world.joins = false;
  world.cluster.put(nodes, { metadata: { name }, status: { conditions: [{ type: "Ready", status: "False" }] } });
}

/** Writes and cloud calls per minute once a world has come to rest in its trouble. */
async function trafficPerMinute(world: World, minutes = 10): Promise<{ writes: number; reads: number }> {
  await world.pass(180_000);
  const before = world.faults.calls.length;
  await world.pass(minutes * 60_000);
  const calls = world.faults.calls.slice(before);
  const writes = calls.filter((call) => /^(patch|create|delete)/.test(call)).length;
  return { writes: writes / minutes, reads: (calls.length - writes) / minutes };
}

const NAMES = Array.from({ length: 6 }, (_, index) => `m${index}`);

test("a fleet that vanishes at once is not replaced, and says so without a storm of calls", async () => {
  const world = await readyWorld(NAMES);
  world.cloud.showsNothing = true;
  for (const name of NAMES) breakNode(world, name);
  await world.pass(60_000);
  for (const name of NAMES) {
    assert.equal(conditionOf(world, "InstanceReady", name)?.reason, "InstanceMissing");
    assert.match(conditionOf(world, "InstanceReady", name)?.message ?? "", /6 of 6 instances.*missing at once/);
  }
  assert.equal(world.cloud.calls["create"], NAMES.length);
  const traffic = await trafficPerMinute(world);
  assert.equal(traffic.writes, 0);
  assert.ok(traffic.reads <= 4 * NAMES.length, `${traffic.reads} reads a minute`);
  assert.deepEqual(world.errors, []);
});

test("once the fleet shows again nobody is missing", async () => {
  const world = await readyWorld(NAMES);
  world.cloud.showsNothing = true;
  for (const name of NAMES) breakNode(world, name);
  await world.pass(60_000);
  world.cloud.showsNothing = false;
  await world.pass(120_000);
  for (const name of NAMES) assert.equal(conditionOf(world, "InstanceReady", name)?.status, "True");
  assert.equal(world.cloud.calls["create"], NAMES.length);
});

test("a person's word replaces one instance of a fleet that is missing", async () => {
  const world = await readyWorld(NAMES);
  world.cloud.showsNothing = true;
  for (const name of NAMES) breakNode(world, name);
  await world.pass(60_000);
  const id = JSON.parse(world.machine("m0")?.metadata.annotations?.[ANNOTATION_INSTANCE] ?? "{}").id as string;
  world.cloud.lose(id);
  world.cluster.put(machines, { metadata: { name: "m0", annotations: { [ANNOTATION_CONFIRM_GONE]: id } } });
  await world.until(() => world.cloud.calls["create"] === NAMES.length + 1);
  await world.pass(60_000);
  assert.equal(world.cloud.calls["create"], NAMES.length + 1);
});

test("a fleet that is deleted while the cloud shows nothing is kept, and goes once it shows again", async () => {
  const world = await readyWorld(NAMES);
  world.cloud.showsNothing = true;
  for (const name of NAMES) world.cluster.remove(machines, name);
  await world.pass(120_000);
  for (const name of NAMES) {
    assert.match(conditionOf(world, "InstanceDeleted", name)?.message ?? "", /6 of 6 instances.*missing at once/);
  }
  world.cloud.showsNothing = false;
  await world.until(() => NAMES.every((name) => world.machine(name) === undefined));
  assert.deepEqual(world.cloud.vms(), []);
  assert.deepEqual([...world.cloud.violations], []);
});

test("a fleet that is deleted and was gone already goes once its kubelets are silent, and nobody is asked", async () => {
  const world = await readyWorld(NAMES);
  for (const { id } of world.cloud.vms()) world.cloud.lose(id);
  world.joins = false;
  for (const name of NAMES) world.cluster.remove(machines, name);
  await world.pass(30_000);
  for (const name of NAMES) assert.match(conditionOf(world, "InstanceDeleted", name)?.message ?? "", /missing at once/);
  world.joins = true;
  await world.until(() => NAMES.every((name) => world.machine(name) === undefined));
});

test("absence that a Ready Node has disproved lets no instance leak when the Machine is deleted", async () => {
  const world = await readyWorld(NAMES);
  world.cloud.showsNothing = true;
  for (const name of NAMES) breakNode(world, name);
  await world.pass(60_000);
  world.cloud.showsNothing = false;
  world.joins = true;
  await world.until(() => NAMES.every((name) => isReady(world, name)));
  world.cluster.remove(machines, "m0");
  await world.until(() => world.machine("m0") === undefined);
  assert.deepEqual([...world.cloud.violations], []);
});

test("two false absences with a Ready Node in between do not replace an instance", async () => {
  const world = await readyWorld(["m"], {
    idempotency: { class: "unique-name", settleMs: 10_000, consistencyMs: 60_000 },
  });
  for (let times = 0; times < 2; times += 1) {
    world.cloud.showsNothing = true;
    breakNode(world);
    await world.pass(30_000);
    world.cloud.showsNothing = false;
    world.joins = true;
    await world.until(() => isReady(world));
    await world.pass(120_000);
  }
  assert.equal(world.cloud.calls["create"], 1);
});

test("a credential of another project replaces nothing and deletes nothing, and once it is restored life goes on", async () => {
  const world = await readyWorld(["m", "other"]);
  world.cloud.account = "project-b";
  breakNode(world, "m");
  breakNode(world, "other");
  world.cluster.remove(machines, "other");
  await world.pass(120_000);
  assert.equal(world.cloud.calls["create"], 2);
  assert.match(conditionOf(world, "InstanceReady")?.message ?? "", /credential changed/);
  assert.match(conditionOf(world, "InstanceDeleted", "other")?.message ?? "", /credential changed/);
  const traffic = await trafficPerMinute(world);
  assert.equal(traffic.writes, 0);
  world.cloud.account = "project-a";
  await world.until(() => world.machine("other") === undefined);
  await world.until(() => conditionOf(world, "InstanceReady")?.status === "True");
  assert.deepEqual([...world.cloud.violations], []);
  assert.equal(world.cloud.vms().length, 1);
});

test("a credential that is rotated between intent and create makes no instance in the wrong project", async () => {
  const world = await createWorld();
  world.faults.plan = (_n, name) => {
    if (name === "patch machines") world.cloud.account = "project-b";
    return undefined;
  };
  world.addMachine();
  await world.pass(90_000);
  world.faults.plan = () => undefined;
  assert.deepEqual(world.cloud.vms(), []);
  assert.match(conditionOf(world, "InstanceReady")?.message ?? world.lastWait, /credential changed/);
  world.cloud.account = "project-a";
  await world.until(() => isReady(world));
  assert.deepEqual(
    world.cloud.vms().map(({ account }) => account),
    ["project-a"],
  );
});

test("an instance is recorded under the account that shows it, not the one first asked for", async () => {
  const world = await createWorld();
  const { uid } = world.addMachine({ metadata: { finalizers: [FINALIZER_INSTANCE, FINALIZER_NODE] } }).metadata;
  world.cloud.add({ name: "m", machineUid: uid, account: "project-b" });
  world.cloud.failures.set("get", new ProviderError("Unavailable", "out of order"));
  await world.until(() => (world.cloud.calls["get"] ?? 0) > 0);
  world.cloud.failures.clear();
  world.cloud.account = "project-b";
  await world.until(() => world.machine()?.metadata.annotations?.[ANNOTATION_INSTANCE] !== undefined);
  assert.equal(JSON.parse(world.machine()?.metadata.annotations?.[ANNOTATION_INSTANCE] ?? "").account, "project-b");
});

test("a cloud that fails does not keep a Node from being recognised, and the status does not flap", async () => {
  for (const code of ["Unauthorized", "Unavailable"] as const) {
    const world = await createWorld();
    world.joins = false;
    world.addMachine({ spec: { ...SPEC, taints: [{ key: "a", effect: "NoSchedule" }] } });
    await world.until(() => world.machine()?.metadata.annotations?.[ANNOTATION_INSTANCE] !== undefined);
    world.cloud.failures.set("*", new ProviderError(code, "out of order"));
    await world.until(() => conditionOf(world, "InstanceReady")?.reason === code);
    const traffic = await trafficPerMinute(world);
    assert.equal(traffic.writes, 0, `${code}: status writes while nothing changes`);
    world.joins = true;
    await world.pass(3_000);
    assert.equal(isReady(world), true, `${code}: the Node is Ready`);
    assert.equal(world.machine()?.status?.errorReason, undefined);
    assert.deepEqual(world.node()?.spec?.taints, [{ key: "a", effect: "NoSchedule" }]);
    await world.stop();
  }
});

const SPEC = {
  providerSpec: { value: { cloudProvider: "fake", cloudProviderSpec: {}, operatingSystem: "ubuntu" } },
  versions: { kubelet: "1.36.2" },
};

test("a Machine whose Node was deleted by hand is not taken for one that never joined", async () => {
  const world = await createWorld({ machine: { joinClusterTimeoutMs: 600_000 } });
  world.cluster.put(machineSets, { metadata: { name: "set" }, spec: {} });
  const owner = world.cluster.get(machineSets, "set");
  world.addMachine({
    metadata: {
      ownerReferences: [{ apiVersion: "v1", kind: "MachineSet", name: "set", uid: owner?.metadata.uid ?? "" }],
    },
  });
  await world.until(() => isReady(world));
  await world.pass(700_000);
  world.joins = false;
  world.cluster.remove(nodes, "m");
  await world.pass(120_000);
  assert.equal(world.machine()?.metadata.deletionTimestamp, undefined);
  assert.equal(conditionOf(world, "Ready")?.status, "False");
  world.joins = true;
  await world.until(() => isReady(world));
});

test("a Machine that never joined is given up when its time is over, and not before", async () => {
  const world = await createWorld({ machine: { joinClusterTimeoutMs: 600_000 } });
  world.joins = false;
  world.cluster.put(machineSets, { metadata: { name: "set" }, spec: {} });
  const owner = world.cluster.get(machineSets, "set");
  world.addMachine({
    metadata: {
      ownerReferences: [{ apiVersion: "v1", kind: "MachineSet", name: "set", uid: owner?.metadata.uid ?? "" }],
    },
  });
  await world.pass(590_000);
  assert.equal(world.machine()?.metadata.deletionTimestamp, undefined);
  await world.until(() => world.machine() === undefined, 60_000);
  assert.equal(world.events.filter(({ reason }) => reason === "JoinClusterTimeoutError").length, 1);
  assert.deepEqual([...world.cloud.violations], []);
});

test("Machines that never joined go by themselves after a crash, once the cloud had said that it deletes them", async () => {
  for (const deletionMs of [0, 20_000]) {
    const world = await createWorld();
    world.joins = false;
    const names = ["a", "b", "c"];
    for (const name of names) world.addMachine({ metadata: { name } });
    await world.until(() => world.cloud.vms().length === 3);
    await world.pass(deletionMs === 0 ? 1_000 : 120_000);
    world.cloud.deletionMs = deletionMs;
    for (const name of names) world.cluster.remove(machines, name);
    const isNoted = (name: string): boolean =>
      world.machine(name)?.metadata.annotations?.[ANNOTATION_INSTANCE]?.includes("deletedAt") ?? false;
    await world.until(() => names.every(isNoted));
    await world.stop();
    await world.pass(30_000);
    await world.restart();
    await world.until(() => names.every((name) => world.machine(name) === undefined), 60_000);
    assert.deepEqual([...world.cloud.violations], []);
    assert.equal(world.cloud.vms().length, 0);
  }
});

test("a clock that goes back an hour neither loops nor stands still", async () => {
  const world = await readyWorld(["m"]);
  breakNode(world);
  await world.pass(5_000);
  world.turnClock(-3_600_000);
  world.cloud.lose(world.cloud.vms()[0]?.id ?? "");
  world.joins = true;
  for (let touch = 0; touch < 60 && !isReady(world); touch += 1) {
    // Whatever wakes the controller: its queue's own delays are not what this is about.
    world.cluster.put(machines, { metadata: { name: "m", labels: { touch: String(touch) } } });
    await world.pass(2_000);
  }
  assert.equal(isReady(world), true);
  assert.equal(world.cloud.calls["create"], 2);
  assert.deepEqual(world.errors, []);
});
