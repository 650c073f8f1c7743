import type { Machine, MachineSet } from "@machine-controller/api";
import { API_VERSION, FINALIZER_FOREGROUND, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines, machineSets } from "../resources.ts";
import { FAULTS } from "../testing/faults.ts";
import { createWorld, machineManifest, nodeManifest, type World } from "../testing/world.ts";
import { nameSeries } from "./act.ts";

const labels = { app: "a" };

function addSet(world: World, spec: object = {}): MachineSet {
  const { spec: template } = machineManifest() as { spec: object };
  return world.cluster.put<MachineSet>(machineSets, {
    apiVersion: API_VERSION,
    kind: "MachineSet",
    metadata: { name: "set", finalizers: [FINALIZER_FOREGROUND] },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: template },
      ...spec,
    },
  });
}
const createSetWorld = (): Promise<World> => createWorld({ controllers: ["machine-set"] });
function addNode(world: World, machine: Machine | undefined): void {
  const uid = machine?.metadata.uid ?? "";
  world.joins = false;
  world.cluster.put(coreResources.nodes, {
    ...nodeManifest("n", { machineUid: uid, address: "10.0.0.1" }),
    metadata: { name: "n", labels: { [LABEL_NODE_OWNER]: uid } },
  });
}
const live = (world: World): Machine[] =>
  world.cluster.list(machines).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const scale = (world: World, replicas: number): unknown =>
  world.cluster.put(machineSets, { metadata: { name: "set" }, spec: { replicas } });
const status = (world: World) => world.cluster.get<MachineSet>(machineSets, "set")?.status;
const count = (world: World, call: string): number => world.faults.calls.filter((name) => name === call).length;

test("it creates what is missing and deletes what is too much", async () => {
  const world = await createSetWorld();
  addSet(world);
  await world.until(() => status(world)?.replicas === 3);
  scale(world, 1);
  await world.until(() => live(world).length === 1 && status(world)?.replicas === 1);
  assert.equal(count(world, "create machines"), 3);
  assert.equal(count(world, "delete machines"), 2);
});

for (const fault of FAULTS) {
  test(`one fault at any call, ${fault}: never more Machines than wanted, and never one too many deleted`, async () => {
    for (let at = 1, calls = 1; at <= calls; at += 1) {
      const world = await createSetWorld();
      world.faults.plan = (n) => (n === at ? fault : undefined);
      let [most, fewest] = [0, Infinity];
      addSet(world);
      const watch = (wanted: number) => (): boolean => {
        most = Math.max(most, live(world).length);
        if (wanted < 3) fewest = Math.min(fewest, live(world).length);
        return live(world).length === wanted && status(world)?.replicas === wanted;
      };
      await world.until(watch(3));
      // Late effects have come by then, and one too many would have been taken back.
      await world.pass(10_000);
      const takenBack = count(world, "delete machines");
      scale(world, 1);
      await world.until(watch(1));
      await world.pass(10_000);
      watch(1)();
      const story = `${fault} at call ${at}: ${world.faults.calls.join(", ")}`;
      assert.equal(most + takenBack, 3, `${most} Machines, ${takenBack} taken back; ${story}`);
      assert.equal(fewest, 1, `${fewest} Machines; ${story}`);
      calls = Math.max(calls, world.faults.calls.length);
      await world.stop();
    }
  });
}

test("a store that is behind leads to no second creation, however long it is", async () => {
  const world = await createSetWorld();
  world.cluster.hold(machines);
  addSet(world);
  await world.pass(5_000);
  for (let minute = 0; minute < 5; minute += 1) {
    await world.pass(60_000);
    world.cluster.put(machineSets, { metadata: { name: "set", labels: { minute: String(minute) } } });
  }
  assert.equal(live(world).length, 3);
  world.cluster.release(machines);
  await world.until(() => status(world)?.replicas === 3);
  assert.equal(live(world).length, 3);
});

test("scaled up and back while the store is behind, it deletes what it made, and none that serves", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 1 });
  await world.until(() => status(world)?.replicas === 1);
  const [first] = live(world);
  addNode(world, first);
  await world.until(() => status(world)?.readyReplicas === 1);
  world.cluster.hold(machines);
  scale(world, 3);
  await world.until(() => live(world).length === 3);
  scale(world, 1);
  await world.pass(5_000);
  assert.equal(count(world, "delete machines"), 0);
  world.cluster.release(machines);
  await world.until(() => live(world).length === 1);
  assert.equal(live(world)[0]?.metadata.uid, first?.metadata.uid);
});

test("a Machine deleted before any store showed it is made again", async () => {
  const world = await createSetWorld();
  world.cluster.hold(machines);
  addSet(world, { replicas: 1 });
  await world.until(() => live(world).length === 1);
  world.cluster.remove(machines, live(world)[0]?.metadata.name ?? "");
  world.cluster.forget(machines);
  world.cluster.release(machines);
  await world.until(() => live(world).length === 1, 120_000);
});

test("an error of the API server while scaling does not keep the status from being written", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 1 });
  await world.until(() => status(world)?.replicas === 1);
  world.faults.plan = (_n, call) => (call === "create machines" ? "lost request" : undefined);
  scale(world, 2);
  addNode(world, live(world)[0]);
  await world.until(() => status(world)?.readyReplicas === 1);
});

test("a name that is somebody else's costs another name, not a Machine", async () => {
  const world = await createSetWorld();
  world.cluster.hold(machines);
  const set = addSet(world, { replicas: 1 });
  const store = { getByKey: () => undefined, get: () => undefined };
  const { name } = nameSeries(set, { machines: { store }, nodes: { store } } as never);
  world.addMachine({ metadata: { name: name(0) } });
  await world.until(() => live(world).length === 2);
  world.cluster.release(machines);
  await world.pass(60_000);
  assert.equal(live(world).length, 2);
  assert.equal(world.machine(name(0))?.metadata.ownerReferences, undefined);
});

test("a refusal of the first creation keeps the rest from being tried", async () => {
  const world = await createSetWorld();
  world.faults.plan = (_n, call) => (call === "create machines" ? "lost request" : undefined);
  addSet(world, { replicas: 100 });
  await world.clock.advance(0);
  assert.ok(count(world, "create machines") <= 2);
});

test("it adopts what it selects and nobody controls, and leaves what others control or is being deleted", async () => {
  const world = await createSetWorld();
  const controller = { apiVersion: API_VERSION, kind: "MachineSet", name: "x", uid: "x", controller: true };
  world.addMachine({ metadata: { name: "orphan", labels } });
  world.addMachine({ metadata: { name: "foreign", labels, ownerReferences: [controller] } });
  world.addMachine({ metadata: { name: "other", labels: { app: "b" } } });
  world.addMachine({ metadata: { name: "going", labels, finalizers: ["stay"] } });
  world.cluster.remove(machines, "going");
  const set = addSet(world, { replicas: 2 });
  await world.until(() => status(world)?.replicas === 2);
  assert.equal(count(world, "create machines"), 1);
  const ownerOf = (name: string) => world.machine(name)?.metadata.ownerReferences?.[0]?.uid;
  assert.deepEqual(["orphan", "foreign", "other", "going"].map(ownerOf), [set.metadata.uid, "x", undefined, undefined]);
});

test("a selector that does not match the template is an error that an event tells, once", async () => {
  const world = await createSetWorld();
  addSet(world, { selector: { matchLabels: { app: "z" } } });
  await world.pass(20_000);
  assert.equal(live(world).length, 0);
  assert.deepEqual(
    world.events.map(({ reason }) => reason),
    ["ReconcileError"],
  );
});

test("a deletion whose answer is lost is asked for again, and no other one", async () => {
  const world = await createSetWorld();
  addSet(world);
  await world.until(() => status(world)?.replicas === 3);
  for (const { metadata } of live(world)) {
    world.cluster.put(machines, { metadata: { name: metadata.name, finalizers: ["stay"] } });
  }
  await world.pass(1_000);
  world.cluster.hold(machines);
  let isDown = false;
  world.faults.plan = (_n, call) => {
    if (isDown) return "lost request";
    isDown = call === "delete machines";
    return isDown ? "lost reply" : undefined;
  };
  scale(world, 2);
  await world.clock.advance(1);
  const doomed = world.cluster.list(machines).find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  assert.ok(doomed);
  // Its Node becomes Ready meanwhile: by rank, it would be another Machine's turn.
  addNode(world, doomed);
  await world.clock.advance(1);
  world.faults.plan = () => undefined;
  await world.pass(20_000);
  world.cluster.release(machines);
  await world.pass(20_000);
  assert.equal(world.cluster.list(machines).length, 3, "one goes, two stay, none is made");
});

test("a clock that is set back does not hold the status up", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 1 });
  await world.until(() => status(world)?.replicas === 1);
  world.turnClock(-3_600_000);
  scale(world, 2);
  await world.pass(2_000);
  assert.equal(status(world)?.replicas, 2);
});

test("a Node whose Ready condition has no time does not make a loop", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 1, minReadySeconds: 10 });
  await world.until(() => live(world).length === 1);
  addNode(world, live(world)[0]);
  await world.pass(5_000);
  assert.equal(status(world)?.readyReplicas, 1);
  assert.equal(status(world)?.availableReplicas, 1);
});

test("a Machine that is not selected any more is released and replaced, and stays what it is", async () => {
  const world = await createSetWorld();
  addSet(world);
  await world.until(() => status(world)?.replicas === 3);
  const [stray] = live(world);
  world.cluster.put(machines, { metadata: { name: stray?.metadata.name, labels: { app: "b" } } });
  await world.until(() => live(world).length === 4 && status(world)?.replicas === 3);
  assert.deepEqual(world.machine(stray?.metadata.name)?.metadata.ownerReferences, []);
  world.cluster.put(machines, { metadata: { name: stray?.metadata.name, labels } });
  await world.until(() => live(world).length === 3);
  assert.equal(world.cluster.noops.length, 0);
});

test("nothing is adopted for a MachineSet that is being deleted, though the informer does not know it yet", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 0 });
  await world.until(() => status(world)?.observedGeneration === 1);
  world.cluster.hold(machineSets);
  world.cluster.remove(machineSets, "set");
  world.addMachine({ metadata: { name: "orphan", labels } });
  await world.pass(5_000);
  assert.deepEqual([world.machine("orphan")?.metadata.name, count(world, "patch machines")], ["orphan", 0]);
});

test("a deletePolicy that is not supported shows in status and event; Machines are made, and none is deleted", async () => {
  const world = await createSetWorld();
  addSet(world, { deletePolicy: "Cheapest" });
  await world.until(() => status(world)?.replicas === 3);
  assert.equal(status(world)?.errorReason, "InvalidConfiguration");
  assert.match(
    status(world)?.errorMessage ?? "",
    /spec\.deletePolicy: "Cheapest" .* use one of Random, Newest, Oldest$/,
  );
  scale(world, 1);
  await world.pass(30_000);
  assert.equal(live(world).length, 3);
  assert.match(status(world)?.errorMessage ?? "", /no Machine is deleted/);
  assert.deepEqual(
    world.events.map(({ reason }) => reason),
    ["ReconcileError", "ReconcileError"],
  );
  world.cluster.put(machineSets, { metadata: { name: "set" }, spec: { deletePolicy: "Oldest" } });
  await world.until(() => live(world).length === 1 && status(world)?.errorMessage === undefined);
});

test("replicas that are left out are one, and are written down for whoever scales", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: undefined });
  await world.until(() => status(world)?.replicas === 1);
  assert.equal(world.cluster.get<MachineSet>(machineSets, "set")?.spec.replicas, 1);
  assert.equal(status(world)?.labelSelector, "app=a");
});

test("a Machine counts as available minReadySeconds after its Node became Ready, with no event between", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 1, minReadySeconds: 10 });
  await world.until(() => live(world).length === 1);
  const readyAtMs = world.clock.now();
  const lastTransitionTime = new Date(readyAtMs).toISOString();
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime }];
  world.cluster.put(coreResources.nodes, {
    ...nodeManifest("n", { machineUid: live(world)[0]?.metadata.uid ?? "", address: "10.0.0.1" }),
    metadata: { name: "n", labels: { [LABEL_NODE_OWNER]: live(world)[0]?.metadata.uid } },
    status: { conditions },
  });
  await world.clock.advance(9_999);
  assert.deepEqual([status(world)?.readyReplicas, status(world)?.availableReplicas], [1, 0]);
  await world.clock.advance(501);
  assert.equal(status(world)?.availableReplicas, 1);
});

test("a hundred Nodes that join within seconds are a few status writes", async () => {
  const world = await createSetWorld();
  world.joins = false;
  addSet(world, { replicas: 100 });
  await world.until(() => status(world)?.replicas === 100);
  const before = count(world, "patch machinesets");
  for (const [index, { metadata }] of live(world).entries()) {
    const name = `n${index}`;
    world.cluster.put(coreResources.nodes, {
      ...nodeManifest(name, { machineUid: metadata.uid ?? "", address: "10.0.0.1" }),
      metadata: { name, labels: { [LABEL_NODE_OWNER]: metadata.uid } },
    });
    await world.clock.advance(20);
  }
  await world.pass(2_000);
  assert.equal(status(world)?.readyReplicas, 100);
  assert.ok(count(world, "patch machinesets") - before <= 5, `${count(world, "patch machinesets") - before} writes`);
  assert.equal(count(world, "create machines"), 100);
});

test("a scale-down while Machines are being created stops the creations", async () => {
  const world = await createSetWorld();
  addSet(world, { replicas: 500 });
  world.faults.plan = (_n, call) => {
    if (call === "create machines" && count(world, "create machines") === 20) scale(world, 10);
    return undefined;
  };
  await world.until(() => status(world)?.replicas === 10);
  assert.ok(count(world, "create machines") < 100, `${count(world, "create machines")} created`);
});
