/** Leads a life once, sees when it waits at which await, and then leads it again and again, to die at each of them once. */
import type { PointId } from "../crash-points/await-points.ts";
import type { Waiting } from "../crash-points/waiting.ts";
import type { CloudName } from "../clouds/registry.ts";
import { createRandom } from "../world/random.ts";
import { runWorld, type Violation } from "../world/run-world.ts";
import { type Life, scenarioOf } from "./lives/life.ts";
import type { ModelResult } from "./model-result.ts";

/** @param options.known points that need not be tried any more. */
export async function crashEverywhere(
  life: Life,
  cloud: CloudName,
  { waiting, known = new Set() }: { waiting: Waiting; known?: ReadonlySet<PointId> },
): Promise<ModelResult> {
  const scenario = scenarioOf(life, cloud);
  const plan = life.faults ?? new Map<string, string>();
  const crashedAt = new Set<PointId>();
  const failures: { what: string; violation: Violation }[] = [];
  let worlds = 1;

  /** Number of an event → what is waited for right after it. */
  const moments = new Map<number, readonly PointId[]>();
  waiting.forget();
  const { violation } = await runWorld(scenario, {
    plan,
    script: life.script,
    onEvent(count, { rest }) {
      const points = rest.sinceMs === undefined ? waiting.now() : [];
      if (points.length > 0) moments.set(count, points);
    },
    onDeath: () => waiting.forget(),
  });
  if (violation !== undefined) failures.push({ what: "without a crash", violation });

  for (const [moment, points] of moments) {
    if (points.every((point) => known.has(point) || crashedAt.has(point))) continue;
    worlds += 1;
    waiting.forget();
    const result = await runWorld(scenario, {
      plan,
      script: life.script,
      onEvent(count, { controllers }) {
        if (count !== moment) return;
        for (const point of waiting.now()) crashedAt.add(point);
        controllers.crash(createRandom(""));
      },
      onDeath: () => waiting.forget(),
    });
    if (result.violation !== undefined)
      failures.push({ what: `crash after event ${moment}`, violation: result.violation });
  }
  return { worlds, failures, crashedAt };
}
