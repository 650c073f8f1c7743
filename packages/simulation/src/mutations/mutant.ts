/** A thread in which one mutation is in force: the source is changed as it is loaded, the file stays as it is. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { WorldSummary } from "../run/summary.ts";
import { mutate, type Mutation } from "./mutation.ts";

export type MutantResult = { readonly caught: WorldSummary | undefined; readonly seeds: number };

const ROOT = new URL("../../../../", import.meta.url);
const mutation = workerData as Mutation;
const target = new URL(mutation.file, ROOT).href;
const mutated = mutate(readFileSync(fileURLToPath(target), "utf8"), mutation);

registerHooks({
  load: (url, context, nextLoad) =>
    url === target ? { ...nextLoad(url, context), source: mutated } : nextLoad(url, context),
});
const { serializeCrypto } = await import("../world/clock.ts");
const { runSeed } = await import("../run/run-seed.ts");
serializeCrypto();

const result = await firstCaught();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(result);

async function firstCaught(): Promise<MutantResult> {
  for (let seed = 1; seed <= mutation.within; seed += 1) {
    const { summary } = await runSeed(String(seed), { cloud: mutation.cloud });
    if (summary.violation !== undefined) return { caught: summary, seeds: seed };
  }
  return { caught: undefined, seeds: mutation.within };
}
