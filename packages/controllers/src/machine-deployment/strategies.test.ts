// The promise of each strategy, at every step, whatever single call fails and however often writes are refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines } from "../resources.ts";
import { mayCreateNewSet } from "./decide-replicas.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Fault, FAULTS } from "../testing/faults.ts";
import { createFleet, type Fleet, isRolledOut, template } from "./fleet.fixture.ts";

const STRATEGIES = {
  RollingUpdate: {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    check(fleet: Fleet) {
      assert.ok(fleet.live().length <= 3, `${fleet.live().length} Machines`);
      assert.ok(fleet.available().length >= 2, `${fleet.available().length} available`);
    },
  },
  Recreate: {
    strategy: { type: "Recreate" },
    check(fleet: Fleet) {
      const kubelets = new Set(fleet.world.cluster.list(machines).map(({ spec }) => spec.versions.kubelet));
      assert.ok(kubelets.size <= 1, `${[...kubelets].join(" and ")} at once`);
      assert.ok(fleet.live().length <= 2, `${fleet.live().length} Machines`);
    },
  },
  OnDelete: {
    strategy: { type: "OnDelete" },
    check(fleet: Fleet) {
      assert.ok(fleet.live().length <= 2, `${fleet.live().length} Machines`);
    },
  },
} as const;
type Name = keyof typeof STRATEGIES;

/** From one template to the next, with a person's help where the strategy waits for it. */
async function rollOut(fleet: Fleet, name: Name): Promise<void> {
  const { strategy, check } = STRATEGIES[name];
  let isSettled = false;
  const watch = (): void => {
    if (isSettled) check(fleet);
  };
  fleet.put({ strategy, replicas: 2 });
  await fleet.until(isRolledOut(fleet, "1.36.1", 2), () => assert.ok(fleet.live().length <= 2));
  isSettled = true;
  fleet.put({ template: template("1.36.2") });
  const isDone = isRolledOut(fleet, "1.36.2", 2);
  let deletedAtMs = 0;
  await fleet.until(() => {
    fleet.bury();
    const old = fleet.live().find(({ spec }) => spec.versions.kubelet === "1.36.1");
    if (name === "OnDelete" && old && fleet.world.clock.now() - deletedAtMs > 5_000) {
      deletedAtMs = fleet.world.clock.now();
      fleet.world.cluster.remove(machines, old.metadata.name ?? "");
    }
    return isDone();
  }, watch);
  await fleet.pass(20_000, watch);
  assert.ok(isDone());
  assert.equal(fleet.sets().length, 2);
}

for (const name of ["RollingUpdate", "Recreate", "OnDelete"] as const) {
  test(`${name}: one fault at any call`, async (t) => {
    for (const fault of FAULTS) {
      await t.test(fault, async () => {
        for (let at = 1, calls = 1; at <= calls; at += 1) {
          const fleet = await createFleet();
          fleet.holds = true;
          fleet.world.faults.plan = (n) => (n === at ? fault : undefined);
          await rollOut(fleet, name).catch((cause: unknown) => {
            const { calls } = fleet.world.faults;
            throw new Error(`${fault} at call ${at}: ${calls.slice(0, at + 5).join(", ")}`, { cause });
          });
          calls = Math.max(calls, fleet.world.faults.calls.length);
          await fleet.world.stop();
        }
      });
    }
  });

  const OFTEN: Record<string, (n: number, call: string) => Fault | undefined> = {
    "every third write is refused with a conflict": (n, call) =>
      /^(patch|delete)/.test(call) && n % 3 === 0 ? "conflict" : undefined,
    "every fourth answer is lost": (n) => (n % 4 === 0 ? "lost reply" : undefined),
    "every fifth request is lost": (n) => (n % 5 === 0 ? "lost request" : undefined),
    "every seventh call ends the process": (n) => (n % 7 === 0 ? "crash after" : undefined),
  };
  for (const [what, plan] of Object.entries(OFTEN)) {
    test(`${name}: ${what}`, async () => {
      const fleet = await createFleet();
      fleet.holds = true;
      fleet.world.faults.plan = plan;
      await rollOut(fleet, name);
      await fleet.world.stop();
    });
  }
}

test("OnDelete: a new template alone changes nothing, and one that is deleted comes back with it", async () => {
  const fleet = await createFleet();
  fleet.put({ strategy: { type: "OnDelete" } });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  fleet.put({ template: template("1.36.2") });
  await fleet.pass(60_000);
  assert.deepEqual(fleet.kubelets(), ["1.36.1", "1.36.1", "1.36.1"]);
  assert.equal(fleet.deployment().status?.updatedReplicas, 0);
  const created = (): number => fleet.world.faults.calls.filter((call) => call === "create machines").length;
  const before = created();
  fleet.world.cluster.remove(machines, fleet.live()[0]?.metadata.name ?? "");
  await fleet.pass(20_000);
  assert.deepEqual(fleet.kubelets(), ["1.36.1", "1.36.1", "1.36.2"]);
  assert.equal(created() - before, 1);
  fleet.put({ replicas: 4 });
  await fleet.pass(20_000);
  assert.deepEqual(fleet.kubelets(), ["1.36.1", "1.36.1", "1.36.2", "1.36.2"]);
  fleet.put({ replicas: 2 });
  await fleet.pass(20_000);
  assert.deepEqual(fleet.kubelets(), ["1.36.2", "1.36.2"]);
});

test("Recreate: the new Machines wait for the last old one to be gone", async () => {
  const fleet = await createFleet();
  fleet.holds = true;
  fleet.put({ strategy: { type: "Recreate" } });
  await fleet.until(isRolledOut(fleet, "1.36.1"));
  fleet.put({ template: template("1.36.2") });
  await fleet.pass(60_000);
  assert.deepEqual(fleet.live(), []);
  assert.equal(fleet.world.cluster.list(machines).length, 3);
  fleet.bury();
  await fleet.until(isRolledOut(fleet, "1.36.2"));
});

test("Recreate: a MachineSet that may make Machines yet counts as if it had", () => {
  const old = (size: { replicas: number; existing: number }) => ({ size, leaving: [] });
  const may = (...oldSets: object[]) =>
    mayCreateNewSet({
      deployment: { spec: { strategy: { type: "Recreate" } } },
      limits: { replicas: 2, maxSurge: 0, maxUnavailable: 0 },
      oldSets,
      orphanedMachines: 0,
    } as unknown as Snapshot);
  assert.equal(may(old({ replicas: 2, existing: 0 })), false);
  assert.equal(may(old({ replicas: 0, existing: 1 })), false);
  assert.equal(may(old({ replicas: 0, existing: 0 })), true);
});
