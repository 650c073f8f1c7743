import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_REVISION,
  ANNOTATION_REVISION_HISTORY,
  API_VERSION,
  FINALIZER_FOREGROUND,
} from "@machine-controller/api/well-known";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineDeployments, machines, machineSets } from "../resources.ts";
import { createWorld, machineManifest, type World } from "../testing/world.ts";

const labels = { app: "a" };
const { spec: machineSpec } = machineManifest() as { spec: object };
const template = (kubelet: string): object => ({
  metadata: { labels },
  spec: { ...machineSpec, versions: { kubelet } },
});

const put = (world: World, spec: object): MachineDeployment =>
  world.cluster.put<MachineDeployment>(machineDeployments, {
    apiVersion: API_VERSION,
    kind: "MachineDeployment",
    metadata: { name: "md" },
    spec,
  });
const add = (world: World, spec: object = {}): MachineDeployment =>
  put(world, { replicas: 3, selector: { matchLabels: labels }, template: template("1.36.1"), ...spec });
const fleetWorld = (): Promise<World> => createWorld({ controllers: ["machine", "machine-set", "machine-deployment"] });
const sets = (world: World): MachineSet[] => world.cluster.list(machineSets);
const setOf = (world: World, kubelet: string): MachineSet | undefined =>
  sets(world).find(({ spec }) => spec.template.spec.versions.kubelet === kubelet);
const live = (world: World) =>
  world.cluster.list(machines).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const available = (world: World): number =>
  live(world).filter(({ status }) =>
    status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
  ).length;

const isRolledOut =
  (world: World, kubelet: string, replicas = 3) =>
  (): boolean =>
    live(world).length === replicas &&
    available(world) === replicas &&
    live(world).every(({ spec }) => spec.versions.kubelet === kubelet) &&
    world.cluster.get<MachineDeployment>(machineDeployments, "md")?.status?.availableReplicas === replicas;

test("a changed template is rolled out within its limits, and the deployment comes to rest", async () => {
  const world = await fleetWorld();
  add(world);
  await world.until(isRolledOut(world, "1.36.1"));
  put(world, { template: template("1.36.2") });
  const done = isRolledOut(world, "1.36.2");
  await world.until(() => {
    assert.ok(live(world).length <= 4, `${live(world).length} Machines`);
    assert.ok(available(world) >= 3, `${available(world)} available`);
    return done();
  });
  await world.pass(30_000);
  const before = world.faults.calls.length;
  await world.pass(600_000);
  assert.equal(world.faults.calls.length, before);
  assert.deepEqual(world.cluster.noops, []);
  assert.deepEqual([...world.cloud.violations], []);
});

test("a template that means the same starts no rollout; going back takes the old MachineSet up again", async () => {
  const world = await fleetWorld();
  add(world);
  await world.until(isRolledOut(world, "1.36.1"));
  const first = setOf(world, "1.36.1");
  put(world, {
    template: {
      metadata: { annotations: {}, labels },
      spec: { ...machineSpec, taints: [], versions: { kubelet: "1.36.1" } },
    },
  });
  await world.pass(30_000);
  assert.equal(sets(world).length, 1);

  put(world, { template: template("1.36.2") });
  await world.until(isRolledOut(world, "1.36.2"));
  assert.equal(setOf(world, "1.36.2")?.metadata.annotations?.[ANNOTATION_REVISION], "2");
  put(world, { template: template("1.36.1") });
  await world.until(isRolledOut(world, "1.36.1"));
  const again = setOf(world, "1.36.1");
  assert.equal(again?.metadata.uid, first?.metadata.uid);
  assert.equal(again?.metadata.annotations?.[ANNOTATION_REVISION], "3");
  assert.equal(again?.metadata.annotations?.[ANNOTATION_REVISION_HISTORY], "1");
  const deployment = world.cluster.get<MachineDeployment>(machineDeployments, "md");
  assert.equal(deployment?.metadata.annotations?.[ANNOTATION_REVISION], "3");
  assert.deepEqual(deployment?.metadata.finalizers, [FINALIZER_FOREGROUND]);
});

test("of old MachineSets as many are kept as the history says", async () => {
  const world = await fleetWorld();
  add(world, { replicas: 1, revisionHistoryLimit: 1 });
  for (const kubelet of ["1.36.1", "1.36.2", "1.36.3", "1.36.4"]) {
    put(world, { template: template(kubelet) });
    await world.until(isRolledOut(world, kubelet, 1));
    await world.pass(5_000);
    // The garbage collector's part.
    for (const { metadata } of sets(world)) {
      if (metadata.deletionTimestamp === undefined) continue;
      world.cluster.put(machineSets, { metadata: { name: metadata.name, finalizers: [] } });
    }
  }
  assert.deepEqual(
    sets(world)
      .map(({ spec }) => spec.template.spec.versions.kubelet)
      .sort(),
    ["1.36.3", "1.36.4"],
  );
});

test("while paused no template is rolled out, and a changed count still is", async () => {
  const world = await fleetWorld();
  add(world, { replicas: 2 });
  await world.until(isRolledOut(world, "1.36.1", 2));
  put(world, { paused: true, replicas: 3, template: template("1.36.2") });
  await world.until(isRolledOut(world, "1.36.1", 3));
  world.cluster.put(machineDeployments, { metadata: { name: "md", annotations: { note: "edited" } } });
  await world.pass(20_000);
  assert.equal(sets(world).length, 1);
  assert.equal(world.cloud.calls["create"], 3);
  put(world, { paused: false });
  await world.until(isRolledOut(world, "1.36.2", 3));
});

test("one that makes no sense says so in its condition, once, and nothing moves until it is edited", async () => {
  const world = await fleetWorld();
  add(world, { strategy: { rollingUpdate: { maxSurge: "many" } } });
  await world.pass(20_000);
  const progressing = (): unknown[] => {
    const { status } = world.cluster.get<MachineDeployment>(machineDeployments, "md") ?? {};
    const found = status?.conditions?.find(({ type }) => type === "Progressing");
    return [found?.status, found?.reason, status?.observedGeneration];
  };
  assert.deepEqual(progressing(), ["False", "InvalidConfiguration", 1]);
  assert.match(world.events[0]?.message ?? "", /spec\.strategy\.rollingUpdate/);
  assert.equal(sets(world).length, 0);
  put(world, { replicas: 2 });
  await world.pass(20_000);
  assert.deepEqual(progressing(), ["False", "InvalidConfiguration", 2]);
  assert.equal(world.events.length, 1);
  // Longer than its deadline, which has nothing to do with it.
  await world.pass(700_000);
  put(world, { replicas: 3, strategy: { rollingUpdate: { maxSurge: 1 } } });
  await world.until(isRolledOut(world, "1.36.1"));
  await world.until(() => progressing()[1] === "NewReplicaSetAvailable");
  assert.ok(!world.events.some(({ reason }) => reason === "ProgressDeadlineExceeded"));
});

test("one that makes no sense can be deleted", async () => {
  const world = await fleetWorld();
  put(world, { replicas: 1, selector: { matchLabels: { app: "other" } }, template: template("1.36.1") });
  world.cluster.put(machineDeployments, { metadata: { name: "md", finalizers: ["theirs"] } });
  await world.pass(5_000);
  const before = world.faults.calls.length;
  world.cluster.remove(machineDeployments, "md");
  await world.pass(20_000);
  assert.deepEqual([world.events.length, world.faults.calls.length - before], [1, 0]);
  assert.match(world.events[0]?.message ?? "", /spec\.selector/);
});

test("its deletePolicy becomes that of its MachineSets; without one they keep theirs", async () => {
  const world = await fleetWorld();
  add(world, { deletePolicy: "Newest" });
  await world.until(isRolledOut(world, "1.36.1"));
  assert.equal(setOf(world, "1.36.1")?.spec.deletePolicy, "Newest");
  put(world, { deletePolicy: "Oldest" });
  await world.until(() => setOf(world, "1.36.1")?.spec.deletePolicy === "Oldest");
  put(world, { deletePolicy: null });
  await world.pass(5_000);
  assert.equal(setOf(world, "1.36.1")?.spec.deletePolicy, "Oldest");
});

test("a MachineSet that is not selected any more is released, and one that is gets adopted", async () => {
  const world = await fleetWorld();
  const deployment = add(world);
  await world.until(isRolledOut(world, "1.36.1"));
  const set = setOf(world, "1.36.1");
  const name = set?.metadata.name ?? "";
  const ownerOf = () => world.cluster.get<MachineSet>(machineSets, name)?.metadata.ownerReferences;
  world.cluster.put(machineSets, { metadata: { name, labels: { app: "b" } } });
  await world.until(() => ownerOf()?.length === 0);
  put(world, { paused: true });
  world.cluster.put(machineSets, { metadata: { name, labels } });
  await world.until(() => ownerOf()?.[0]?.uid === deployment.metadata.uid);
});
