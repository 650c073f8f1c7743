/** Delta debugging: takes faults and people's doings out of a history until every one that is left is needed. */
import type { WorldResult } from "../world/run-world.ts";
import { runSeed, type SeedOptions } from "./run-seed.ts";

const MOST_RUNS = 300;

/** @returns the smallest history found that breaks the same promise. */
export async function shrink(
  found: WorldResult,
  options: SeedOptions,
  onStep: (left: number, runs: number) => void,
): Promise<WorldResult> {
  let best = found;
  let ids = found.strikes.map(({ id }) => id);
  let runs = 0;

  const mayGoOn = (): boolean => runs < MOST_RUNS;
  const breaks = async (only: readonly string[]): Promise<boolean> => {
    runs += 1;
    const { result } = await runSeed(found.seed, { ...options, only: new Set(only) });
    if (result.violation?.invariant !== found.violation?.invariant) return false;
    best = result;
    // What struck no more is not needed either.
    ids = result.strikes.map(({ id }) => id);
    onStep(ids.length, runs);
    return true;
  };

  for (let size = Math.ceil(ids.length / 2); size >= 1 && mayGoOn();) {
    let isSmaller = false;
    for (let at = 0; at < ids.length && mayGoOn();) {
      const rest = [...ids.slice(0, at), ...ids.slice(at + size)];
      if (await breaks(rest)) isSmaller = true;
      else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!isSmaller) break;
  }
  return best;
}
