/** One seed, run the same way by the worker, by a replay and by shrinking. */
import { callSitesOf } from "../crash-points/call-site.ts";
import type { CloudName } from "../clouds/registry.ts";
import { runWorld, type WorldResult } from "../world/run-world.ts";
import { scenarioFor } from "../world/scenario.ts";
import { summarize, type WorldSummary } from "./summary.ts";

export type SeedOptions = { cloud?: CloudName | undefined; only?: ReadonlySet<string> | undefined };

export async function runSeed(
  seed: string,
  { cloud, only }: SeedOptions = {},
): Promise<{ result: WorldResult; summary: WorldSummary }> {
  const crashedAt = new Set<string>();
  const result = await runWorld(scenarioFor(seed, cloud), {
    only,
    onCrash({ sentAt }) {
      for (const site of callSitesOf(sentAt)) crashedAt.add(site);
    },
  });
  return { result, summary: summarize(result, crashedAt) };
}
