// How long a Node may take to join, or to come back, and what becomes of its Machine then.
import { coreResources } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines, machineSets } from "../resources.ts";
import { createWorld, type World } from "../testing/world.ts";

const { nodes } = coreResources;
const TIMEOUT_MS = 300_000;

const conditionOf = (world: World, type: string) =>
  world.machine()?.status?.conditions?.find((condition) => condition.type === type);
const isReady = (world: World): boolean => conditionOf(world, "Ready")?.status === "True";

/** A Machine, of a MachineSet or standing alone. */
async function createdWorld({ owned = true, joins = false } = {}): Promise<World> {
  const world = await createWorld({ machine: { joinClusterTimeoutMs: TIMEOUT_MS } });
  world.joins = joins;
  const owner = { apiVersion: "cluster.k8s.io/v1alpha1", kind: "MachineSet", name: "s", uid: "ms" };
  world.cluster.put(machineSets, { metadata: { name: "s", uid: "ms" } });
  world.addMachine({ metadata: { finalizers: ["test"], ...(owned && { ownerReferences: [owner] }) } });
  await world.until(() => world.cloud.vms().length === 1);
  return world;
}
const isDeleted = (world: World): boolean => world.machine()?.metadata.deletionTimestamp !== undefined;

test("a Machine whose Node never joins is told so, and then deleted for its MachineSet to replace", async () => {
  const world = await createdWorld();
  await world.pass(TIMEOUT_MS - 10_000);
  assert.equal(isDeleted(world), false);
  await world.until(() => isDeleted(world), 20_000);
  const { status } = world.machine() ?? {};
  assert.equal(status?.errorReason, "JoinClusterTimeoutError");
  assert.match(
    status?.errorMessage ?? "",
    /did not join the cluster within 300 s after it was created; the Machine is replaced/,
  );
  const reasons = world.events.map(({ reason }) => reason);
  assert.deepEqual(reasons, ["Created", "JoinClusterTimeoutError", "MachineReplaced"]);
});

test("the reason is written before the deletion, whatever happens in between", async () => {
  const world = await createdWorld();
  world.faults.plan = (_n, name) => (name === "delete machines" ? "crash before" : undefined);
  await world.until(() => world.machine()?.status?.errorReason === "JoinClusterTimeoutError", TIMEOUT_MS + 20_000);
  world.faults.plan = () => undefined;
  await world.until(() => isDeleted(world));
  assert.equal(world.events.filter(({ reason }) => reason === "JoinClusterTimeoutError").length, 1);
});

test("a Machine that stands alone stays, and says that its Node did not join; a late one mends it", async () => {
  const world = await createdWorld({ owned: false });
  await world.pass(4 * TIMEOUT_MS);
  assert.equal(isDeleted(world), false);
  assert.equal(world.machine()?.status?.phase, "Failed");
  assert.match(world.machine()?.status?.errorMessage ?? "", /the Machine stays, since no MachineSet would replace it/);
  assert.equal(world.events.filter(({ reason }) => reason === "JoinClusterTimeoutError").length, 1);
  world.joins = true;
  await world.until(() => isReady(world));
  assert.equal(world.machine()?.status?.errorReason, undefined);
  assert.equal(world.machine()?.status?.phase, "Running");
});

test("a Node that is lost after years has the whole time to come back, across restarts", async () => {
  const world = await createdWorld({ joins: true });
  await world.until(() => isReady(world));
  await world.pass(10 * TIMEOUT_MS);
  world.joins = false;
  world.cluster.remove(nodes, "m");
  await world.pass(TIMEOUT_MS / 2);
  assert.equal(conditionOf(world, "NodeReady")?.reason, "NodeLost");
  await world.restart();
  await world.pass(TIMEOUT_MS / 2 - 10_000);
  assert.equal(isDeleted(world), false);
  await world.until(() => isDeleted(world), 20_000);
  assert.match(world.machine()?.status?.errorMessage ?? "", /within 300 s again after its Node was lost/);
});

test("a Node that comes back in time, and is lost again, has the whole time again", async () => {
  const world = await createdWorld({ joins: true });
  await world.until(() => isReady(world));
  for (let round = 0; round < 3; round += 1) {
    world.joins = false;
    world.cluster.remove(nodes, "m");
    await world.pass(TIMEOUT_MS - 30_000);
    world.joins = true;
    await world.until(() => isReady(world));
  }
  assert.equal(isDeleted(world), false);
});

test("a Node that was NotReady for long is counted from its loss", async () => {
  const world = await createdWorld({ joins: true });
  await world.until(() => isReady(world));
  world.joins = false;
  world.cluster.put(nodes, { metadata: { name: "m" }, status: { conditions: [{ type: "Ready", status: "False" }] } });
  await world.pass(2 * TIMEOUT_MS);
  world.cluster.remove(nodes, "m");
  await world.pass(TIMEOUT_MS - 10_000);
  assert.equal(isDeleted(world), false);
  await world.until(() => isDeleted(world), 20_000);
  assert.equal(world.cluster.list(machines).length, 1);
});
