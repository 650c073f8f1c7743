import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "./machine.ts";
import { recordOf } from "./records.ts";
import { ANNOTATION_INSTANCE } from "./well-known.ts";

const whole = { id: "7", provider: "hetzner", account: "a", attempt: 1, at: "2026-01-01T00:00:00.000Z" };
const machineWith = (record: unknown): Machine => ({
  apiVersion: "cluster.k8s.io/v1alpha1",
  kind: "Machine",
  metadata: { name: "m", namespace: "n", annotations: { [ANNOTATION_INSTANCE]: JSON.stringify(record) } },
  spec: { providerSpec: {}, versions: { kubelet: "1.36.2" } },
});

test("a whole record is read", () => {
  assert.deepEqual(recordOf(machineWith(whole)), whole);
});

for (const [what, record] of Object.entries({
  "without an ID": { ...whole, id: undefined },
  "without an account": { ...whole, account: "" },
  "without a time": { ...whole, at: "soon" },
  "without an attempt": { ...whole, attempt: "1" },
  "that is no object": 7,
})) {
  test(`a record ${what} stops the Machine instead of looking absent`, () => {
    assert.throws(
      () => recordOf(machineWith(record)),
      /machine-controller\/instance\] of Machine n\/m is not a record/,
    );
  });
}
