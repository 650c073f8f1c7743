import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serializeCrypto } from "../world/clock.ts";
import { runSeed } from "./run-seed.ts";
import { runSeeds } from "./run-seeds.ts";
import { addTo, createTotals, digestOf, type Totals } from "./summary.ts";

const SEEDS = ["1", "2", "3", "4", "5", "6"];

before(serializeCrypto);

async function led(seeds: readonly string[], workers: number): Promise<Totals> {
  const totals = createTotals();
  const { signal } = new AbortController();
  await runSeeds({ seeds, workers, onWorld: (world) => addTo(totals, world), signal });
  return totals;
}

test("histories do not depend on how many worlds run at once, in which order, or on awaits being followed", async () => {
  const one = await led(SEEDS, 1);
  const three = await led(SEEDS.toReversed(), 3);
  assert.equal(digestOf(three), digestOf(one));
  const { summary } = await runSeed("2");
  assert.equal(summary.hash, one.histories.get(`2 ${summary.cloud}`));
});

test("a fresh process replays the same history", async () => {
  const { summary } = await runSeed("7");
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const text = execFileSync(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    main,
    "--seed",
    "7",
  ]).toString();
  assert.equal(/^history (\w+)$/m.exec(text)?.[1], summary.hash);
});
