/**
 * Every history of one Machine with one fault in it: at each call to the API server or the cloud, for each kind of fault
 * and each way in which clouds make creation idempotent. Whatever happens, a Machine has at most one VM, no VM outlives
 * its Machine, nothing alive is cleaned up, and in the end the Machine is Ready, or gone if that was the wish.
 */
import { coreResources } from "@machine-controller/kube-client";
import type { Idempotency } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, FAULTS } from "../testing/faults.ts";
import { machines } from "../resources.ts";
import { createWorld, type World } from "../testing/world.ts";

const { pods, volumeAttachments } = coreResources;

const isReady = (world: World, name = "m"): boolean =>
  world.machine(name)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** Of one life with one fault; more is a loop. */
const MOST_CALLS = 60;

type Life = {
  before?: (world: World) => Promise<void>;
  run: (world: World) => Promise<void>;
  /** Those that make a difference to it. */
  classes?: readonly Idempotency["class"][];
};

/** What a person or the world does to a Machine; faults strike while `run` runs. */
const LIVES: Record<string, Life> = {
  create: {
    async run(world) {
      world.addMachine();
      await world.until(() => isReady(world));
    },
  },
  "replace a lost instance": {
    async before(world) {
      world.addMachine();
      await world.until(() => isReady(world));
    },
    async run(world) {
      world.cloud.lose(world.cloud.vms()[0]?.id ?? "");
      await world.pass(1_000);
      await world.until(() => isReady(world) && world.cloud.vms().length === 1);
    },
  },
  delete: {
    async before(world) {
      world.addMachine();
      await world.until(() => isReady(world));
    },
    async run(world) {
      world.cluster.remove(machines, "m");
      await world.until(() => world.machine() === undefined);
      assert.equal(world.node(), undefined, "the Node goes with its Machine");
    },
  },
  "drain and delete": {
    classes: ["unique-name"],
    async before(world) {
      for (const name of ["m", "other"]) world.addMachine({ metadata: { name } });
      await world.until(() => isReady(world) && isReady(world, "other"));
      world.cluster.put(pods, { metadata: { name: "free" }, spec: { nodeName: "m" } });
      world.cluster.put(pods, { metadata: { name: "held", annotations: { budget: "b" } }, spec: { nodeName: "m" } });
      world.cluster.put(volumeAttachments, {
        metadata: { name: "a" },
        spec: { attacher: "csi", nodeName: "m", source: { persistentVolumeName: "pv" } },
        status: { attached: true },
      });
    },
    async run(world) {
      world.cluster.remove(machines, "m");
      await world.pass(5_000);
      assert.equal(world.cloud.vms().length, 2, "the instance waits for its pods");
      world.cluster.remove(pods, "held");
      await world.pass(8_000);
      assert.equal(world.cloud.vms().length, 2, "the instance waits for its volumes");
      world.cluster.remove(volumeAttachments, "a");
      await world.until(() => world.machine() === undefined);
      assert.deepEqual(world.cluster.list(pods), []);
      world.cluster.remove(machines, "other");
      await world.until(() => world.machine("other") === undefined);
    },
  },
  "delete a registered system": {
    classes: ["unique-name"],
    async before(world) {
      const value = { cloudProvider: "fake", operatingSystem: "rhel", operatingSystemSpec: { rhsmOfflineToken: "t" } };
      world.addMachine({ spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } } });
      await world.until(() => isReady(world));
    },
    async run(world) {
      world.cluster.remove(machines, "m");
      await world.until(() => world.machine() === undefined);
      assert.ok(world.faults.calls.includes("unregister"));
    },
  },
  "tell the Node": {
    classes: ["unique-name"],
    async before(world) {
      world.addMachine();
      await world.until(() => isReady(world));
    },
    async run(world) {
      for (const labels of [
        { a: "1", b: "1" },
        { a: "2", b: null },
      ]) {
        world.cluster.put(machines, { metadata: { name: "m" }, spec: { metadata: { labels } } });
        await world.pass(30_000);
      }
      const { a, b } = world.node()?.metadata.labels ?? {};
      assert.deepEqual([a, b], ["2", undefined]);
    },
  },
  "delete while it is created": {
    async run(world) {
      world.addMachine();
      await world.until(() => (world.machine()?.metadata.finalizers?.length ?? 0) > 0 || world.machine() === undefined);
      world.cluster.remove(machines, "m");
      await world.until(() => world.machine() === undefined);
    },
  },
};

const CLASSES: Idempotency["class"][] = ["unique-name", "token", "tag-scan"];

/** @returns the calls that the life took. */
async function live(
  life: keyof typeof LIVES,
  { kind, at, fault }: { kind: Idempotency["class"]; at: number; fault: Fault },
): Promise<string[]> {
  const world = await createWorld({ idempotency: { class: kind, settleMs: 10_000, consistencyMs: 3_000 } });
  world.cloud.visibilityMs = 2_500;
  let first = 0;
  const calls = (): string[] => world.faults.calls.slice(first);
  try {
    await LIVES[life]?.before?.(world);
    first = world.faults.calls.length;
    world.faults.plan = (n) => (n === first + at ? fault : undefined);
    await LIVES[life]?.run(world);
    await world.pass(20_000);
    assert.deepEqual([...world.cloud.violations], []);
    // A patch that lands late has been repeated before.
    if (!fault.includes("late")) assert.deepEqual(world.cluster.noops, [], "writes that change nothing");
    assert.equal(world.cloud.vms().length, world.machine() === undefined ? 0 : 1);
    assert.ok(calls().length < MOST_CALLS, `${calls().length} calls`);
    return calls();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${kind}: ${fault} at call ${at} (${calls()[at - 1]}): ${what}`, { cause });
  } finally {
    await world.stop();
  }
}

/** To a read it is all one when its answer, which changes nothing, is lost. */
const isWorthIt = (call: string | undefined, fault: Fault): boolean =>
  !/^(cloud (account|validate|get|list)|list .*)$/.test(call ?? "") ||
  fault === "lost request" ||
  fault === "crash before";

for (const [life, { classes = CLASSES }] of Object.entries(LIVES)) {
  for (const kind of classes) {
    test(`${life}, ${kind}: one fault at any call`, async () => {
      const failures: string[] = [];
      for (const fault of FAULTS) {
        const healthy = await live(life, { kind, at: 0, fault });
        for (let at = 1, calls = healthy.length; at <= calls; at += 1) {
          if (!isWorthIt(healthy[at - 1], fault)) continue;
          try {
            calls = Math.max(calls, (await live(life, { kind, at, fault })).length);
          } catch (error) {
            failures.push(String(error));
          }
        }
      }
      assert.deepEqual(failures, []);
    });
  }
}
