// Labels, annotations and taints that change: a rollout, or in place where that is asked for.
import type { Machine } from "@machine-controller/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines } from "../resources.ts";
import { createFleet, type Fleet, isRolledOut, template } from "./fleet.fixture.ts";

const TAINT = { key: "t", value: "1", effect: "NoSchedule" };
const withMetadata = (labels: object, taints: object[] = [], machineLabels: object = {}): object => ({
  ...template("1.36.1", { metadata: { labels, annotations: { of: "node" } }, taints }),
  metadata: { labels: { app: "a", ...machineLabels } },
});
const nodeLabels = ({ spec }: Machine) => spec.metadata?.labels;

async function changed(fleet: Fleet): Promise<string[]> {
  fleet.put({ template: withMetadata({ kept: "1", gone: "1", changed: "1" }, [TAINT], { team: "x" }) });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  const before = fleet.live().map(({ metadata }) => metadata.uid ?? "");
  const [first] = fleet.live();
  fleet.world.cluster.put(machines, {
    metadata: { name: first?.metadata.name, labels: { own: "1" } },
    spec: { metadata: { labels: { own: "1" } } },
  });
  fleet.put({
    template: {
      ...withMetadata({ kept: "1", gone: null, changed: "2", added: "1" }),
      metadata: { labels: { app: "a", team: null } },
    },
  });
  await fleet.pass(30_000);
  return before;
}

test("by default a changed label replaces the Machines", async () => {
  const fleet = await createFleet();
  const before = await changed(fleet);
  assert.equal(fleet.sets().length, 2);
  assert.ok(fleet.live().every(({ metadata }) => !before.includes(metadata.uid ?? "")));
});

test("in place: Machines stay, get what is new, lose what the template had, and keep what is their own", async () => {
  const fleet = await createFleet({ updatesMetadataInPlace: true });
  const before = await changed(fleet);
  assert.deepEqual(
    fleet.live().map(({ metadata }) => metadata.uid ?? ""),
    before,
  );
  assert.equal(fleet.sets().length, 1);
  const [first] = fleet.live();
  assert.deepEqual(first && nodeLabels(first), { kept: "1", changed: "2", added: "1", own: "1" });
  assert.equal(first?.metadata.labels?.["own"], "1");
  for (const machine of fleet.live()) {
    assert.equal(machine.metadata.labels?.["team"], undefined);
    assert.deepEqual(machine.spec.taints, []);
    assert.equal(nodeLabels(machine)?.["changed"], "2");
  }
  // A Machine made from now on is the same, and nothing is written any more.
  const calls = fleet.world.faults.calls.length;
  await fleet.pass(600_000);
  assert.equal(fleet.world.faults.calls.length, calls);
  assert.deepEqual(fleet.world.cluster.noops, []);
});

test("in place, whatever single call is lost or ends the process", async () => {
  for (const fault of ["lost reply", "lost request", "crash before", "crash after"] as const) {
    for (let at = 1, calls = 1; at <= calls; at += 1) {
      const fleet = await createFleet({ updatesMetadataInPlace: true });
      fleet.put({ replicas: 2, template: withMetadata({ gone: "1" }, [TAINT]) });
      await fleet.until(isRolledOut(fleet, "1.36.1", 2));
      const done = fleet.world.faults.calls.length;
      fleet.world.faults.plan = (n) => (n === done + at ? fault : undefined);
      fleet.put({ template: withMetadata({ gone: null, added: "1" }) });
      await fleet.pass(60_000);
      assert.deepEqual(fleet.live().map(nodeLabels), [{ added: "1" }, { added: "1" }], `${fault} at ${at}`);
      assert.deepEqual(
        fleet.live().map(({ spec }) => spec.taints),
        [[], []],
      );
      assert.equal(fleet.sets().length, 1);
      calls = Math.max(calls, fleet.world.faults.calls.length - done);
      await fleet.world.stop();
    }
  }
});

test("in place, a change of the instance is still a rollout, and going back too", async () => {
  const fleet = await createFleet({ updatesMetadataInPlace: true });
  fleet.put({ template: withMetadata({ a: "1" }) });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  fleet.put({
    template: { ...template("1.36.2"), spec: { versions: { kubelet: "1.36.2" }, metadata: { labels: { a: "2" } } } },
  });
  await fleet.until(isRolledOut(fleet, "1.36.2"));
  fleet.put({ template: withMetadata({ a: "3" }) });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  await fleet.pass(10_000);
  assert.equal(fleet.sets().length, 2);
  assert.ok(fleet.live().every((machine) => nodeLabels(machine)?.["a"] === "3"));
});

test("while paused nothing changes in place either", async () => {
  const fleet = await createFleet({ updatesMetadataInPlace: true });
  fleet.put({ template: withMetadata({ a: "1" }) });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  fleet.put({ paused: true, template: withMetadata({ a: "2" }) });
  await fleet.pass(30_000);
  assert.ok(fleet.live().every((machine) => nodeLabels(machine)?.["a"] === "1"));
  assert.equal(fleet.live().length, 3);
  fleet.put({ paused: false });
  await fleet.until(() => fleet.live().every((machine) => nodeLabels(machine)?.["a"] === "2"));
});
