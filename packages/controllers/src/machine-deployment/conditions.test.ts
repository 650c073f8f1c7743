import { machineSets } from "../resources.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFleet, type Fleet, isRolledOut, template } from "./fleet.fixture.ts";

const progressing = (fleet: Fleet): string => {
  const { status, reason } = fleet.condition("Progressing") ?? {};
  return `${status} ${reason}`;
};
const told = (fleet: Fleet, reason: string): number =>
  fleet.world.events.filter((event) => event.reason === reason).length;

/** All Machines of the first template, and a second one whose Machines never become Ready. */
async function stuck(spec: object = {}): Promise<Fleet> {
  const fleet = await createFleet();
  fleet.put({ progressDeadlineSeconds: 60, ...spec });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  fleet.broken.add("1.36.2");
  fleet.put({ template: template("1.36.2") });
  return fleet;
}

test("a rollout without progress is told once, after its deadline and no sooner", async () => {
  const fleet = await stuck();
  await fleet.until(() => progressing(fleet) === "True NewReplicaSetCreated");
  await fleet.pass(55_000);
  assert.equal(progressing(fleet), "True NewReplicaSetCreated");
  await fleet.pass(8_000);
  assert.equal(progressing(fleet), "False ProgressDeadlineExceeded");
  assert.match(fleet.condition("Progressing")?.message ?? "", /60 s .*1 of 3 .*template, 3 are available/);
  assert.equal(fleet.condition("Available")?.status, "True");
  await fleet.pass(600_000);
  assert.equal(told(fleet, "ProgressDeadlineExceeded"), 1);
  fleet.broken.clear();
  await fleet.until(isRolledOut(fleet, "1.36.2"));
  assert.equal(progressing(fleet), "True NewReplicaSetAvailable");
});

test("the deadline survives a restart: its time is the condition's", async () => {
  const fleet = await stuck();
  await fleet.pass(40_000);
  await fleet.world.restart();
  await fleet.pass(15_000);
  assert.equal(progressing(fleet), "True NewReplicaSetCreated");
  await fleet.pass(10_000);
  assert.equal(progressing(fleet), "False ProgressDeadlineExceeded");
});

test("going back to a MachineSet that never gets ready misses the deadline too", async () => {
  const fleet = await createFleet();
  fleet.put({ progressDeadlineSeconds: 60 });
  for (const kubelet of ["1.36.1", "1.36.2"]) {
    fleet.put({ template: template(kubelet) });
    await fleet.until(isRolledOut(fleet, kubelet));
  }
  fleet.broken.add("1.36.1");
  fleet.put({ template: template("1.36.1") });
  await fleet.pass(70_000);
  assert.equal(progressing(fleet), "False ProgressDeadlineExceeded");
});

test("a rollout that replaces all Machines between two looks at the status misses the deadline too", async () => {
  const fleet = await stuck({ strategy: { type: "Recreate" } });
  await fleet.pass(70_000);
  assert.equal(fleet.deployment().status?.updatedReplicas, 3);
  assert.equal(progressing(fleet), "False ProgressDeadlineExceeded");
});

test("no deadline runs while paused, and a new one once resumed", async () => {
  const fleet = await stuck();
  await fleet.pass(30_000);
  fleet.put({ paused: true });
  await fleet.pass(300_000);
  assert.equal(progressing(fleet), "Unknown DeploymentPaused");
  fleet.put({ paused: false });
  await fleet.pass(50_000);
  assert.notEqual(progressing(fleet), "False ProgressDeadlineExceeded");
  await fleet.pass(15_000);
  assert.equal(progressing(fleet), "False ProgressDeadlineExceeded");
});

test("the largest deadline is none, and a changed number of replicas is no rollout", async () => {
  const fleet = await stuck({ progressDeadlineSeconds: 2 ** 31 - 1 });
  await fleet.pass(3_600_000);
  assert.equal(progressing(fleet), "True NewReplicaSetCreated");
  const scaled = await createFleet();
  scaled.put({ progressDeadlineSeconds: 60 });
  await scaled.until(isRolledOut(scaled, "1.36.1"));
  scaled.broken.add("1.36.1");
  scaled.put({ replicas: 5 });
  await scaled.pass(120_000);
  assert.equal(progressing(scaled), "True NewReplicaSetAvailable");
  assert.equal(scaled.condition("Available")?.reason, "MinimumReplicasUnavailable");
});

test("Machines that cannot be created show as ReplicaFailure, with the API server's words, until they can", async () => {
  const fleet = await createFleet();
  fleet.put({ replicas: 1 });
  await fleet.until(isRolledOut(fleet, "1.36.1", 1));
  fleet.world.faults.plan = (_n, call) => (call === "create machines" ? "lost request" : undefined);
  fleet.put({ replicas: 2 });
  await fleet.until(() => fleet.condition("ReplicaFailure")?.reason === "FailedCreate");
  assert.match(fleet.condition("ReplicaFailure")?.message ?? "", /no answer/);
  fleet.world.faults.plan = () => undefined;
  await fleet.until(isRolledOut(fleet, "1.36.1", 2));
  await fleet.pass(5_000);
  assert.equal(fleet.condition("ReplicaFailure"), undefined);
});

test("a MachineSet that cannot be created shows too", async () => {
  const fleet = await createFleet();
  fleet.world.faults.plan = (_n, call) => (call === "create machinesets" ? "lost request" : undefined);
  fleet.put({});
  await fleet.until(() => progressing(fleet) === "False ReplicaSetCreateError");
  fleet.world.faults.plan = () => undefined;
  await fleet.until(isRolledOut(fleet, "1.36.1"));
});

test("a name that is taken makes the next name another one, and counts in the status", async () => {
  const fleet = await createFleet();
  fleet.put({ replicas: 1 });
  await fleet.until(isRolledOut(fleet, "1.36.1", 1));
  const [set] = fleet.sets();
  const name = set?.metadata.name ?? "";
  // Deleted by hand: its name is taken until its Machines are gone.
  fleet.holds = true;
  await fleet.pass(2_000);
  fleet.world.cluster.remove(machineSets, name);
  await fleet.until(isRolledOut(fleet, "1.36.1", 1));
  assert.equal(fleet.deployment().status?.collisionCount, 1);
  assert.equal(fleet.sets().length, 2);
  fleet.bury();
  await fleet.pass(10_000);
  assert.equal(fleet.sets().length, 1);
  assert.notEqual(fleet.sets()[0]?.metadata.name, name);
});
