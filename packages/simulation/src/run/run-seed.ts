/** One seed, run the same way by the worker, by a replay and by shrinking. */
import type { CloudName } from "../clouds/registry.ts";
import type { PointId } from "../crash-points/await-points.ts";
import type { Waiting } from "../crash-points/waiting.ts";
import { runWorld, type WorldResult } from "../world/run-world.ts";
import { scenarioFor } from "../world/scenario.ts";
import { summarize, type WorldSummary } from "./summary.ts";

export type SeedOptions = {
  cloud?: CloudName | undefined;
  only?: ReadonlySet<string> | undefined;
  /** Where awaits are followed. */
  waiting?: Waiting;
};

export async function runSeed(
  seed: string,
  { cloud, only, waiting }: SeedOptions = {},
): Promise<{ result: WorldResult; summary: WorldSummary }> {
  const crashedAt = new Set<PointId>();
  const scenario = scenarioFor(seed, cloud);
  waiting?.forget();
  const result = await runWorld(scenario, {
    only,
    onDeath() {
      // Of two replicas nobody could tell which of them waits.
      if (scenario.replicas === 1) for (const point of waiting?.now() ?? []) crashedAt.add(point);
      waiting?.forget();
    },
  });
  return { result, summary: summarize(result, crashedAt) };
}
