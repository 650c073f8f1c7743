import type { Machine } from "@machine-controller/api";
import { KubeError, type KubeErrorCode, type Node } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest, nodeManifest } from "../testing/world.ts";
import type { NodeRefusal } from "./knowledge.ts";
import { pendingRefusal, refusalOf } from "./node-refusal.ts";
import type { Snapshot } from "./snapshot.ts";

const node = nodeManifest("m", { machineUid: "me", address: "10.0.0.1" }) as Node;
const snapshotOf = (nodeRefusal?: NodeRefusal, nowMs = 0): Snapshot =>
  ({ machine: machineManifest() as Machine, node, nowMs, knowledge: nodeRefusal ? { nodeRefusal } : {} }) as Snapshot;
const refused = (snapshot: Snapshot, code: KubeErrorCode, ...fields: string[]): NodeRefusal | undefined => {
  const details = { causes: fields.map((field) => ({ field, message: "Invalid value" })) };
  return refusalOf(snapshot, node, new KubeError(code, "no", { details }));
};

const WITHHELD: [string, KubeErrorCode, string[], NodeRefusal["parts"] | undefined][] = [
  [
    "a label and a taint",
    "Invalid",
    ["metadata.labels", "metadata.taints[1].key", "metadata.labels"],
    ["labels", "taints"],
  ],
  ["an annotation", "Invalid", ["metadata.annotations"], ["annotations"]],
  ["something else", "Invalid", ["spec.labels2"], "all"],
  ["everything, by a webhook", "BadRequest", [], "all"],
  ["everything, for want of a permission", "Forbidden", [], "all"],
  ["nothing: the Node has changed", "Conflict", [], undefined],
  ["nothing: the Node is gone", "NotFound", [], undefined],
  ["nothing: the API server is busy", "TooManyRequests", [], undefined],
];
for (const [what, code, fields, parts] of WITHHELD) {
  test(`refused is ${what}`, () => assert.deepEqual(refused(snapshotOf(), code, ...fields)?.parts, parts));
}

test("what is refused though a part of it was withheld is withheld whole", () => {
  const first = refused(snapshotOf(), "Invalid", "metadata.labels");
  const second = refused(snapshotOf(first), "Invalid", "metadata.labels");
  assert.deepEqual([second?.parts, second?.count], ["all", 1]);
});

test("it is tried again ever more rarely, after 10 minutes at the latest", () => {
  const waits: number[] = [];
  let refusal: NodeRefusal | undefined;
  for (let nowMs = 0; waits.length < 7; nowMs = refusal?.retryAtMs ?? Infinity) {
    const snapshot = snapshotOf(refusal, nowMs);
    assert.equal(pendingRefusal(snapshot), undefined);
    refusal = refused(snapshot, "Forbidden");
    assert.equal(pendingRefusal(snapshotOf(refusal, nowMs)), refusal);
    waits.push(((refusal?.retryAtMs ?? NaN) - nowMs) / 1_000);
  }
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 600, 600]);
});
