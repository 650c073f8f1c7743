import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineSet } from "@machine-controller/api";
import { passPaceMs } from "./status-pace.ts";

test("few Machines are looked at ten times a second, ten thousand once, also while they go", () => {
  const setOf = (replicas: number, existing: number): MachineSet =>
    ({ spec: { replicas }, status: { replicas: existing } }) as MachineSet;
  assert.equal(passPaceMs(setOf(3, 2)), 100);
  assert.equal(passPaceMs(setOf(10_000, 0)), 1_000);
  assert.equal(passPaceMs(setOf(0, 10_000)), 1_000);
  assert.equal(passPaceMs({ spec: {} } as MachineSet), 100);
});
