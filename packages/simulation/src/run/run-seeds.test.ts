import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { runSeeds } from "./run-seeds.ts";
import { addTo, createTotals } from "./summary.ts";

const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 300);

test(`${SEEDS} worlds keep every promise, while messages are lost and processes die`, async () => {
  const totals = createTotals();
  await runSeeds({
    seeds: Array.from({ length: SEEDS }, (_, index) => String(index + 1)),
    workers: availableParallelism(),
    onWorld: (world) => addTo(totals, world),
    signal: new AbortController().signal,
  });
  assert.deepEqual(
    totals.failures.map(({ seed, violation }) => `seed ${seed}: ${violation?.what}`),
    [],
  );
  assert.equal(totals.worlds, SEEDS);
  assert.ok(
    (totals.strikes.get("crash before") ?? 0) > 0 && totals.strikes.size > 20,
    "worlds in which nothing goes wrong",
  );
});
