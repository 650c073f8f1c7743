// A small fleet through every bench, so that benches cannot rot. Nothing is timed here.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Bench } from "./bench.ts";
import { createLatency } from "./fleet/create-latency.ts";
import { large } from "./fleet/large.ts";
import { life } from "./fleet/life.ts";

const stopped = new AbortController();
after(() => stopped.abort());

const BENCHES: readonly (readonly [Bench, number])[] = [
  [life, 10],
  [createLatency, 10],
  [large, 20],
];
for (const [bench, machines] of BENCHES) {
  test(`${bench.name}: ${machines} Machines give a figure for everything`, { timeout: 300_000 }, async () => {
    const figures = await bench.run({
      machines,
      body: "embedded",
      restMs: 1_000,
      profileFolder: undefined,
      signal: stopped.signal,
      progress: () => undefined,
    });
    assert.ok(figures.length > 0);
    for (const { what, measured } of figures) assert.doesNotMatch(measured, /NaN|Infinity/, what);
    const calls = figures.find(({ what }) => what.includes("cloud calls a minute"));
    if (calls !== undefined) assert.equal(Number(calls.measured), 0, "the cloud is asked about a fleet at rest");
  });
}
