import type { Machine, MachineSet } from "@machine-controller/api";
import { ANNOTATION_DELETE_MACHINE } from "@machine-controller/api/well-known";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest } from "../testing/world.ts";
import { deletionOrder } from "./delete-order.ts";
import type { Member } from "./members.ts";

type Shape = {
  age?: number;
  marked?: true;
  error?: true;
  /** Ready for less than minReadySeconds. */
  soon?: true;
  node?: "ready" | "not ready" | "cordoned";
};

/** Names of the Machines, first to go first; UIDs are in the order of the names. */
function order(policy: MachineSet["spec"]["deletePolicy"], shapes: Record<string, Shape>): string {
  const members = Object.entries(shapes).map(([name, { age = 0, marked, error, node, soon }]): Member => {
    const creationTimestamp = new Date(Date.UTC(2030, 0, 1) - age * 60_000).toISOString();
    const annotations = marked ? { [ANNOTATION_DELETE_MACHINE]: "yes" } : {};
    const isReady = node === "ready" || node === "cordoned";
    return {
      machine: machineManifest({ metadata: { name, uid: name, creationTimestamp, annotations } }) as Machine,
      node: node && { apiVersion: "v1", kind: "Node", metadata: {}, spec: { unschedulable: node === "cordoned" } },
      isReady,
      availableAtMs: isReady ? (soon ? 1 : 0) : Infinity,
      isDoomed: Boolean(marked ?? error),
      isAskedToGo: false,
    };
  });
  return deletionOrder(members, policy, 0)
    .map(({ machine }) => machine.metadata.name)
    .join(" ");
}

const ready = { node: "ready" } as const;
const TABLE: [string, MachineSet["spec"]["deletePolicy"], Record<string, Shape>, string][] = [
  [
    "a person's choice goes before all others",
    "Random",
    { a: {}, b: { error: true }, c: { ...ready, marked: true } },
    "c b a",
  ],
  [
    "those that serve nobody go before those that serve",
    "",
    {
      a: ready,
      b: { node: "cordoned" },
      c: { ...ready, soon: true },
      d: { node: "not ready" },
      e: {},
      f: { error: true, ...ready },
    },
    "f e d c b a",
  ],
  ["serving nobody counts more than age", "Newest", { old: { age: 9 }, young: { ...ready, age: 1 } }, "old young"],
  ["the oldest", "Oldest", { a: { ...ready, age: 1 }, b: { ...ready, age: 3 }, c: { ...ready, age: 2 } }, "b c a"],
  ["the newest", "Newest", { a: { ...ready, age: 1 }, b: { ...ready, age: 3 }, c: { ...ready, age: 2 } }, "a c b"],
  ["equal age: by UID, the same on every pass", "Oldest", { b: ready, a: ready, c: ready }, "a b c"],
  ["Random: by UID", undefined, { c: { ...ready, age: 9 }, a: ready, b: ready }, "a b c"],
];

for (const [name, policy, shapes, expected] of TABLE) {
  test(`deletion order: ${name}`, () => assert.equal(order(policy, shapes), expected));
}
