// The arithmetic of a rollout under every interleaving: readiness, MachineSets that lag behind, statuses that are stale.
import type { MachineDeployment } from "@machine-controller/api";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Limits,
  limitsOf,
  newSetReplicas,
  oldSetReplicas,
  onDeleteReplicas,
  pausedReplicas,
  type SetSize,
} from "./rollout.ts";

/** A MachineSet as its deployment sees it (spec, status), and the Machines it really has. */
type Set = { spec: number; status: { replicas: number; available: number }; live: number; available: number };

const toSize = (set: Set, index: number): SetSize => ({
  uid: String(index),
  replicas: set.spec,
  existing: set.status.replicas,
  available: set.status.available,
  doomed: 0,
  formerMax: undefined,
});
/** A MachineSet that has all its Machines. */
const sized = (replicas: number, index: number, more: Partial<SetSize> = {}): SetSize => ({
  ...toSize({ spec: replicas, status: { replicas, available: replicas }, live: replicas, available: replicas }, index),
  ...more,
});

const limits = fc
  .record({ replicas: fc.nat(6), maxSurge: fc.nat(3), maxUnavailable: fc.nat(3) })
  .map(({ replicas, maxSurge, maxUnavailable }): Limits => {
    const unavailable = maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable;
    return { replicas, maxSurge, maxUnavailable: Math.min(unavailable, replicas) };
  });

/** What happens next: the deployment's pass, or a step of the set with this number. */
const step = fc.record({ what: fc.constantFrom("roll", "scale", "ready", "report"), set: fc.nat(2) } as const);

/** One pass of the deployment controller, the last set being the new one. */
function roll(limits: Limits, sets: Set[]): void {
  const seen = sets.map(toSize);
  const [newSet, oldSets] = [seen.at(-1), seen.slice(0, -1)];
  const last = sets.at(-1);
  if (newSet === undefined || last === undefined) return;
  last.spec = newSetReplicas(limits, last.spec, seen);
  for (const [uid, replicas] of oldSetReplicas(limits, { ...newSet, replicas: last.spec }, oldSets)) {
    const set = sets[Number(uid)];
    if (set) set.spec = replicas;
  }
}

/** The MachineSet controller's pass: those that are not available go first. */
function scale(set: Set): void {
  const idle = set.live - set.available;
  const surplus = Math.max(0, set.live - set.spec);
  set.available -= Math.max(0, surplus - idle);
  set.live = set.spec;
}

const report = (set: Set): void => void (set.status = { replicas: set.live, available: set.available });

test("a rollout never has more than replicas + maxSurge, never takes from what must be available, and ends", () => {
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 60 }), fc.boolean(), (limits, steps, mid) => {
      const { replicas, maxSurge, maxUnavailable } = limits;
      const full = (count: number): Set => ({
        spec: count,
        status: { replicas: count, available: count },
        live: count,
        available: count,
      });
      const first = mid ? Math.floor(replicas / 2) : 0;
      const sets = [full(first), full(replicas - first), full(0)];
      const sum = (count: (set: Set) => number): number => sets.reduce((total, set) => total + count(set), 0);
      const all = [
        ...steps,
        // Then everybody gets a turn until all is done.
        ...Array.from({ length: 40 }, () =>
          [0, 1, 2].flatMap((set) => [
            { what: "scale", set } as const,
            { what: "ready", set } as const,
            { what: "report", set } as const,
            { what: "roll", set } as const,
          ]),
        ).flat(),
      ];
      for (const { what, set: index } of all) {
        const set = sets[index];
        if (set === undefined) continue;
        if (what === "roll") roll(limits, sets);
        if (what === "scale") scale(set);
        if (what === "ready" && set.available < set.live) set.available += 1;
        if (what === "report") report(set);
        assert.ok(sum(({ live }) => live) <= replicas + maxSurge, `${sum(({ live }) => live)} Machines`);
        assert.ok(sum(({ available }) => available) >= replicas - maxUnavailable, "too few available");
      }
      assert.deepEqual(
        sets.map(({ spec, live, available }) => [spec, live, available]),
        [
          [0, 0, 0],
          [0, 0, 0],
          [replicas, replicas, replicas],
        ],
      );
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test("Machines of old templates that never become available do not stop a rollout", () => {
  const dead: Set = { spec: 3, status: { replicas: 3, available: 0 }, live: 3, available: 0 };
  const sets = [dead, { spec: 0, status: { replicas: 0, available: 0 }, live: 0, available: 0 }];
  for (let turn = 0; turn < 20; turn += 1) {
    roll({ replicas: 3, maxSurge: 1, maxUnavailable: 0 }, sets);
    for (const set of sets) scale(set);
    const [, fresh] = sets;
    if (fresh) fresh.available = fresh.live;
    for (const set of sets) report(set);
  }
  assert.deepEqual(
    sets.map(({ live }) => live),
    [0, 3],
  );
});

const LIMITS: [string, object, number, Limits][] = [
  ["defaults", {}, 4, { replicas: 4, maxSurge: 1, maxUnavailable: 0 }],
  [
    "percentages: surge rounds up, unavailable down",
    { maxSurge: "25%", maxUnavailable: "25%" },
    5,
    { replicas: 5, maxSurge: 2, maxUnavailable: 1 },
  ],
  ["both zero would never end", { maxSurge: 0, maxUnavailable: 0 }, 3, { replicas: 3, maxSurge: 0, maxUnavailable: 1 }],
  [
    "no more unavailable than there are",
    { maxSurge: 0, maxUnavailable: 9 },
    3,
    { replicas: 3, maxSurge: 0, maxUnavailable: 3 },
  ],
];
for (const [name, rollingUpdate, replicas, expected] of LIMITS) {
  test(`limits: ${name}`, () => {
    assert.deepEqual(limitsOf({ spec: { replicas, strategy: { rollingUpdate } } } as MachineDeployment), expected);
  });
}

const PAUSED: [string, number[], Limits, number[]][] = [
  ["the only active MachineSet takes every change", [0, 2], { replicas: 5, maxSurge: 1, maxUnavailable: 0 }, [0, 5]],
  ["none is active: the newest", [0, 0], { replicas: 2, maxSurge: 1, maxUnavailable: 0 }, [0, 2]],
  ["growth is spread by size", [4, 2], { replicas: 11, maxSurge: 1, maxUnavailable: 0 }, [8, 4]],
  ["what rounding leaves goes to the largest", [3, 4, 3], { replicas: 11, maxSurge: 0, maxUnavailable: 1 }, [3, 5, 3]],
  ["to zero, all go", [3, 2], { replicas: 0, maxSurge: 1, maxUnavailable: 0 }, [0, 0]],
];
for (const [name, sizes, limits, expected] of PAUSED) {
  test(`paused: ${name}`, () => {
    const wanted = pausedReplicas(
      limits,
      sizes.map((size, index) => sized(size, index)),
      undefined,
    );
    assert.deepEqual(
      sizes.map((size, index) => wanted.get(String(index)) ?? size),
      expected,
    );
  });
}

test("paused: a new MachineSet that has all its Machines ends the old ones", () => {
  const [old, fresh] = [sized(1, 0), sized(3, 1, { formerMax: 4 })];
  const wanted = pausedReplicas({ replicas: 3, maxSurge: 1, maxUnavailable: 0 }, [old, fresh], fresh);
  assert.deepEqual(
    [...wanted],
    [
      ["0", 0],
      ["1", 3],
    ],
  );
});

test("paused: the total is replicas + maxSurge, no set at zero is started, and a second pass changes nothing", () => {
  const former = fc.option(fc.integer({ min: -2, max: 20 }), { nil: undefined });
  fc.assert(
    fc.property(limits, fc.array(fc.tuple(fc.nat(9), former), { minLength: 2, maxLength: 4 }), (limits, given) => {
      const sizes = given.map(([size, formerMax], index) => sized(size, index, { formerMax: formerMax || undefined }));
      if (sizes.filter(({ replicas }) => replicas > 0).length < 2) return;
      const once = pausedReplicas(limits, sizes, undefined);
      const formerMax = limits.replicas + limits.maxSurge || undefined;
      const scaled = sizes.map((size) => ({ ...size, formerMax, replicas: once.get(size.uid) ?? size.replicas }));
      const total = scaled.reduce((sum, { replicas }) => sum + replicas, 0);
      assert.equal(total, limits.replicas === 0 ? 0 : limits.replicas + limits.maxSurge);
      assert.ok(
        scaled.every(
          ({ replicas }, index) =>
            Number.isInteger(replicas) && replicas >= 0 && (sizes[index]?.replicas !== 0 || replicas === 0),
        ),
      );
      if (scaled.filter(({ replicas }) => replicas > 0).length < 2) return;
      const twice = pausedReplicas(limits, scaled, undefined);
      for (const { uid, replicas } of scaled) assert.equal(twice.get(uid) ?? replicas, replicas);
    }),
    { seed: 1 },
  );
});

const ON_DELETE: [string, number, Partial<SetSize>[], number[]][] = [
  [
    "nothing was deleted",
    3,
    [
      { replicas: 3, existing: 3 },
      { replicas: 0, existing: 0 },
    ],
    [3, 0],
  ],
  [
    "one was deleted",
    3,
    [
      { replicas: 3, existing: 2 },
      { replicas: 0, existing: 0 },
    ],
    [2, 1],
  ],
  [
    "growth is the new one's",
    5,
    [
      { replicas: 2, existing: 2 },
      { replicas: 1, existing: 1 },
    ],
    [2, 3],
  ],
  [
    "shrinking takes old ones first",
    2,
    [
      { replicas: 2, existing: 2 },
      { replicas: 1, existing: 1 },
    ],
    [1, 1],
  ],
  [
    "shrinking takes what is marked before all",
    2,
    [
      { replicas: 2, existing: 2 },
      { replicas: 1, existing: 1, doomed: 1 },
    ],
    [2, 0],
  ],
  [
    "shrinking takes what does not serve before what does",
    2,
    [
      { replicas: 2, existing: 2, available: 2 },
      { replicas: 1, existing: 1, available: 0 },
    ],
    [2, 0],
  ],
  [
    "one that is marked goes once",
    3,
    [
      { replicas: 2, existing: 3, available: 2, doomed: 1 },
      { replicas: 2, existing: 2, available: 0 },
    ],
    [2, 1],
  ],
  [
    "one that somebody deleted is no other that does not serve",
    2,
    [
      { replicas: 3, existing: 2, available: 2 },
      { replicas: 1, existing: 1, available: 0 },
    ],
    [2, 0],
  ],
];
for (const [name, replicas, sizes, expected] of ON_DELETE) {
  test(`OnDelete: ${name}`, () => {
    const [old, fresh] = sizes.map((size, index) => sized(0, index, size));
    assert.ok(old && fresh);
    const wanted = onDeleteReplicas({ replicas, maxSurge: 0, maxUnavailable: 0 }, fresh, [old]);
    assert.deepEqual([wanted.oldSets.get("0"), wanted.newSet], expected);
  });
}
