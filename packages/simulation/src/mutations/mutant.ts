/** A thread in which one mutation is in force: the source is changed as it is loaded, the file stays as it is. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { Violation } from "../world/run-world.ts";
import { mutate, type Mutation } from "./mutation.ts";

export type MutantResult = {
  readonly caught: Violation | undefined;
  /** What else was broken on the way. */
  readonly others: readonly Violation[];
  /** Where it was caught, or that it was not. */
  readonly where: string;
};

const ROOT = new URL("../../../../", import.meta.url);
const mutation = workerData as Mutation;
const target = new URL(mutation.file, ROOT).href;
const mutated = mutate(readFileSync(fileURLToPath(target), "utf8"), mutation);

registerHooks({
  load: (url, context, nextLoad) =>
    url === target ? { ...nextLoad(url, context), source: mutated } : nextLoad(url, context),
});
const { serializeCrypto } = await import("../world/clock.ts");
const { runWorld } = await import("../world/run-world.ts");
const { runSeed } = await import("../run/run-seed.ts");
const { cloudsOf, scenarioOf } = await import("../models/lives/life.ts");
const { lifeNamed } = await import("../models/lives/registry.ts");
serializeCrypto();

const others: Violation[] = [];
const result = await firstCaught();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(result);

async function firstCaught(): Promise<MutantResult> {
  const { life, within = 0 } = mutation;
  for await (const { violation, where } of life === undefined ? seeds(within) : lives(life)) {
    if (violation?.invariant === mutation.breaks) return { caught: violation, others, where };
    if (violation !== undefined) others.push(violation);
  }
  return { caught: undefined, others, where: life === undefined ? `within ${within} seeds` : `in the life "${life}"` };
}

type Tried = { violation: Violation | undefined; where: string };

async function* seeds(within: number): AsyncGenerator<Tried> {
  for (let seed = 1; seed <= within; seed += 1) {
    const { result } = await runSeed(String(seed), { cloud: mutation.cloud });
    yield { violation: result.violation, where: `by seed ${seed}` };
  }
}

async function* lives(name: string): AsyncGenerator<Tried> {
  const life = lifeNamed(name);
  for (const cloud of mutation.cloud === undefined ? cloudsOf(life) : [mutation.cloud]) {
    const plan = life.faults ?? new Map<string, string>();
    const { violation } = await runWorld(scenarioOf(life, cloud), { plan, script: life.script });
    yield { violation, where: `in the life "${name}" on ${cloud}` };
  }
}
