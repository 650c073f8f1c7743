/** Tries every fault at every message that a controller sends in a life: enumerated, not sampled. */
import type { PointId } from "../crash-points/await-points.ts";
import type { Waiting } from "../crash-points/waiting.ts";
import type { CloudName } from "../clouds/registry.ts";
import { runWorld, type Violation } from "../world/run-world.ts";
import { type Life, scenarioOf } from "./lives/life.ts";
import type { ModelResult } from "./model-result.ts";

/** @param options.faults names of those to try; default: all. */
export async function enumerate(
  life: Life,
  cloud: CloudName,
  { faults, waiting }: { faults?: readonly string[]; waiting?: Waiting },
): Promise<ModelResult> {
  const scenario = scenarioOf(life, cloud);
  const crashedAt = new Set<PointId>();
  const failures: { what: string; violation: Violation }[] = [];
  let worlds = 0;

  const run = async (id?: string, fault = ""): Promise<Map<string, readonly string[]>> => {
    const messages = new Map<string, readonly string[]>();
    waiting?.forget();
    const { violation } = await runWorld(scenario, {
      plan: new Map([...(life.faults ?? []), ...(id === undefined ? [] : ([[id, fault]] as const))]),
      script: life.script,
      onMessage: (sent, possible) => void messages.set(sent, possible),
      onDeath() {
        for (const point of waiting?.now() ?? []) crashedAt.add(point);
        waiting?.forget();
      },
    });
    worlds += 1;
    if (violation !== undefined)
      failures.push({ what: id === undefined ? "no fault" : `${fault} at ${id}`, violation });
    return messages;
  };

  for (const [id, possible] of await run()) {
    if (life.faults?.has(id)) continue;
    for (const fault of possible) if (faults?.includes(fault) ?? true) await run(id, fault);
  }
  return { worlds, failures, crashedAt };
}
