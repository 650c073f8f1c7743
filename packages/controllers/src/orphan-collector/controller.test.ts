import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ANNOTATION_SKIP_EVICTION } from "@machine-controller/api/well-known";
import { coreResources } from "@machine-controller/kube-client";
import { ProviderError } from "@machine-controller/provider";
import { machines } from "../resources.ts";
import { CLUSTER_UID } from "../testing/fake-cloud.ts";
import { createWorld, type World, type WorldOptions } from "../testing/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const { configMaps, nodes, pods } = coreResources;

async function start(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ controllers: ["machine", "orphan-collector"], ...options });
  t.after(() => world.stop());
  for (const name of ["m", "m2", "m3"]) world.addMachine({ metadata: { name } });
  await world.until(() => ["m", "m2", "m3"].every((name) => world.machine(name)?.status?.nodeRef !== undefined));
  return world;
}

/** A person takes the finalizers off: the Machine goes and its VM stays. */
function orphan(world: World, name = "m"): string {
  const vm = world.cloud.vms().find((candidate) => candidate.machineUid === world.machine(name)?.metadata.uid);
  world.cluster.put(machines, { metadata: { name, finalizers: null } });
  world.cluster.remove(machines, name);
  return vm?.id ?? "";
}

const entries = (world: World): string[] =>
  Object.keys(world.cluster.get(configMaps, "machine-controller-orphans")?.data ?? {});
const isLive = ({ cloud }: World, id: string): boolean => cloud.vms().some((vm) => vm.id === id && !vm.goneAtMs);
const reasons = ({ events }: World): string[] =>
  events.map(({ reason }) => reason).filter((reason) => reason.startsWith("Orphan"));

const READY = { conditions: [{ type: "Ready", status: "True" }] };

test("an orphan is quarantined first and deleted only after its grace", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  await world.pass(11 * MINUTE_MS);
  assert.deepEqual(entries(world), [`fake.${id}`]);
  await world.pass(50 * MINUTE_MS);
  assert.ok(isLive(world, id));
  await world.pass(20 * MINUTE_MS);
  assert.ok(!isLive(world, id));
  assert.deepEqual(reasons(world), ["OrphanFound", "OrphanDeleted", "OrphanNodeDeleted"]);
  await world.pass(20 * MINUTE_MS);
  assert.deepEqual(entries(world), []);
  assert.equal(world.cloud.vms().length, 2);
});

test("a report deletes nothing, and says once what it found", async (t) => {
  const counts: number[] = [];
  const onPass = (orphans: readonly unknown[]): void => void counts.push(orphans.length);
  const world = await start(t, { orphans: { mode: "report", onPass } });
  const id = orphan(world);
  await world.pass(5 * HOUR_MS);
  assert.ok(isLive(world, id));
  assert.deepEqual(reasons(world), ["OrphanFound"]);
  assert.deepEqual([counts.at(0), counts.at(-1)], [1, 1]);
  world.cloud.lose(id);
  await world.pass(11 * MINUTE_MS);
  assert.equal(counts.at(-1), 0);
});

test("the grace goes on through restarts, and a clock set back begins it anew", async (t) => {
  const world = await start(t);
  await world.pass(3 * HOUR_MS);
  const id = orphan(world);
  await world.pass(11 * MINUTE_MS);
  for (let restarts = 0; restarts < 4; restarts++) {
    await world.restart();
    await world.pass(11 * MINUTE_MS);
  }
  assert.ok(isLive(world, id));
  world.turnClock(-2 * HOUR_MS);
  await world.restart();
  await world.pass(45 * MINUTE_MS);
  assert.ok(isLive(world, id));
  await world.pass(45 * MINUTE_MS);
  assert.ok(!isLive(world, id));
});

test("what another cluster, the Go implementation or a person made is left alone", async (t) => {
  const world = await start(t);
  const ids = [
    world.cloud.add({ machineUid: "u1", clusterUid: "another" }),
    world.cloud.add({ machineUid: "u2", clusterUid: undefined }),
    world.cloud.add({ machineUid: undefined, clusterUid: CLUSTER_UID }),
  ].map(({ id }) => id);
  await world.pass(3 * HOUR_MS);
  assert.ok(ids.every((id) => isLive(world, id)));
  assert.deepEqual(entries(world), []);
});

test("an instance that a Machine records is no orphan, whatever its mark says", async (t) => {
  const world = await start(t);
  const [vm] = world.cloud.vms();
  for (const candidate of world.cloud.vms()) if (candidate === vm) candidate.machineUid = "uid-before-a-migration";
  await world.pass(3 * HOUR_MS);
  assert.deepEqual(reasons(world), []);
});

test("many orphans at once are rather a cluster that lost its Machines: nothing is deleted", async (t) => {
  const world = await start(t);
  const ids = [orphan(world, "m"), orphan(world, "m2")];
  await world.pass(3 * HOUR_MS);
  assert.ok(ids.every((id) => isLive(world, id)));
  assert.ok(reasons(world).includes("OrphanBrake"));
});

test("a mark that changes hands during the grace spares the instance", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  await world.pass(50 * MINUTE_MS);
  for (const vm of world.cloud.vms()) if (vm.id === id) vm.clusterUid = undefined;
  await world.pass(2 * HOUR_MS);
  assert.ok(isLive(world, id));
  assert.deepEqual(entries(world), []);
});

test("a cloud that does not answer is no evidence, and forgets none", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  await world.pass(11 * MINUTE_MS);
  world.cloud.failures.set("list", new ProviderError("Unavailable", "no answer"));
  await world.pass(2 * HOUR_MS);
  assert.ok(isLive(world, id));
  assert.deepEqual(entries(world), [`fake.${id}`]);
  world.cloud.failures.delete("list");
  await world.pass(11 * MINUTE_MS);
  assert.ok(!isLive(world, id));
});

test("an instance that is created while the collector looks is never taken for an orphan", async (t) => {
  const world = await start(t, { orphans: { intervalMs: 1_000, graceMs: 0 } });
  world.cloud.visibilityMs = 0;
  for (let index = 0; index < 20; index++) {
    world.addMachine({ metadata: { name: `late-${index}` } });
    await world.pass(1_000);
  }
  await world.until(() => world.cloud.vms().length === 23);
  await world.pass(MINUTE_MS);
  assert.deepEqual(reasons(world), []);
  assert.equal(world.cloud.vms().filter(({ goneAtMs }) => goneAtMs === undefined).length, 23);
});

test("the Node of an orphan goes after it, across a restart, once its kubelet is silent", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  await world.until(() => !isLive(world, id), 2 * HOUR_MS);
  assert.equal(world.node("m")?.spec?.unschedulable, true);
  await world.restart();
  await world.until(() => world.node("m") === undefined, 30 * MINUTE_MS);
  assert.equal(reasons(world).at(-1), "OrphanNodeDeleted");
  await world.pass(20 * MINUTE_MS);
  assert.deepEqual(entries(world), []);
  assert.ok(["m2", "m3"].every((name) => world.node(name) !== undefined));
});

test("pods of an orphan's Node move first; one that is held back has its time, and no more", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  const addPod = (name: string, budget?: string): object =>
    world.cluster.put(pods, { metadata: { name, annotations: budget ? { budget } : {} }, spec: { nodeName: "m" } });
  addPod("free");
  addPod("held", "quorum");
  await world.pass(90 * MINUTE_MS);
  assert.deepEqual(
    world.cluster.list(pods).map(({ metadata }) => metadata.name),
    ["held"],
  );
  assert.ok(isLive(world, id));
  const told = world.events.find(({ reason }) => reason === "OrphanDraining");
  assert.match(told?.message ?? "", /waits for .*held.*; it goes without them at 2030-/);
  await world.until(() => !isLive(world, id), 3 * HOUR_MS);
});

test("a Node that says so keeps its pods, and one that is Ready still is another's", async (t) => {
  const world = await start(t);
  const id = orphan(world);
  world.cluster.put(nodes, { metadata: { name: "m", annotations: { [ANNOTATION_SKIP_EVICTION]: "" } } });
  world.cluster.put(pods, { metadata: { name: "pod" }, spec: { nodeName: "m" } });
  await world.until(() => !isLive(world, id), 2 * HOUR_MS);
  assert.equal(world.cluster.list(pods).length, 1);
  world.cluster.put(nodes, { metadata: { name: "m" }, spec: { providerID: "" }, status: READY });
  await world.pass(HOUR_MS);
  assert.ok(world.node("m"));
});

test("a report touches no Node, and one of an instance that only lost its mark stays", async (t) => {
  const reported = await start(t, { orphans: { mode: "report" } });
  reported.cloud.lose(orphan(reported));
  await reported.pass(3 * HOUR_MS);
  assert.ok(reported.node("m"));
  const world = await start(t);
  const id = orphan(world);
  await world.pass(11 * MINUTE_MS);
  for (const vm of world.cloud.vms()) if (vm.id === id) vm.clusterUid = undefined;
  world.cluster.put(nodes, { metadata: { name: "m" }, spec: { providerID: "" }, status: { conditions: [] } });
  await world.pass(3 * HOUR_MS);
  assert.ok(world.node("m"));
});
