/** Tries every fault at every message that a controller sends in a life: enumerated, not sampled. */
import { callSitesOf } from "../crash-points/call-site.ts";
import type { CloudName } from "../clouds/registry.ts";
import { MESSAGE_FAULTS } from "../faults/message-faults.ts";
import { runWorld, type Violation } from "../world/run-world.ts";
import { type Life, scenarioOf } from "./lives.ts";

export type ModelResult = {
  readonly life: string;
  readonly cloud: CloudName;
  readonly messages: number;
  /** Worlds in which a fault struck. */
  readonly worlds: number;
  readonly failures: readonly { id: string; fault: string; violation: Violation }[];
  readonly crashedAt: ReadonlySet<string>;
};

/** @param faults names of those to try; default: all. */
export async function enumerate(
  life: Life,
  cloud: CloudName,
  { faults = MESSAGE_FAULTS.map(({ name }) => name) }: { faults?: readonly string[] } = {},
): Promise<ModelResult> {
  const scenario = scenarioOf(life, cloud);
  const crashedAt = new Set<string>();
  const failures: { id: string; fault: string; violation: Violation }[] = [];
  let worlds = 0;

  const run = async (plan: ReadonlyMap<string, string>): Promise<string[]> => {
    const ids: string[] = [];
    const result = await runWorld(scenario, {
      plan,
      script: life.script,
      onMessage: (id) => void ids.push(id),
      onCrash({ sentAt }) {
        for (const site of callSitesOf(sentAt)) crashedAt.add(site);
      },
    });
    const [[id, fault] = ["", "none"]] = plan;
    if (result.violation !== undefined) failures.push({ id, fault, violation: result.violation });
    worlds += result.strikes.length;
    return ids;
  };

  const ids = await run(new Map());
  for (const id of ids) for (const fault of faults) await run(new Map([[id, fault]]));
  return { life: life.name, cloud, messages: ids.length, worlds, failures, crashedAt };
}
