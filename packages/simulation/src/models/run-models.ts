/** Leads lives on all cores, each life on each of its clouds a task. */
import { availableParallelism } from "node:os";
import type { CloudName } from "../clouds/registry.ts";
import type { PointId } from "../crash-points/await-points.ts";
import { cloudsOf, type Life } from "./lives/life.ts";
import { runInThreads } from "../run/threads.ts";
import type { ModelResult } from "./model-result.ts";
import type { ModelTask } from "./worker.ts";

export type Led = ModelResult & { readonly life: string; readonly cloud: CloudName };

export type ModelsOptions = {
  lives: readonly Life[];
  /** `crash`: dies at each await once. `faults`: every message is struck by every fault. */
  mode: ModelTask["mode"];
  clouds?: readonly CloudName[];
  /** What is covered is tried in no other life. */
  quick?: boolean;
  onLed?: (led: Led) => void;
};

/** @returns the await points at which a process died. */
export async function runModels({ lives, mode, clouds, quick = false, onLed }: ModelsOptions): Promise<Set<PointId>> {
  const crashedAt = new Set<PointId>();
  const led = lives
    .flatMap((life) => cloudsOf(life).map((cloud) => ({ life: life.name, cloud })))
    .filter(({ cloud }) => clouds?.includes(cloud) ?? true);

  function* tasks(): Generator<ModelTask> {
    for (const { life, cloud } of led) yield { life, cloud, mode, known: quick ? [...crashedAt] : [] };
  }

  await runInThreads<ModelTask, ModelResult>({
    script: new URL("worker.ts", import.meta.url),
    count: availableParallelism(),
    tasks: tasks(),
    nameOf: ({ life, cloud }) => `the life "${life}" on ${cloud}`,
    onDone(result, { life, cloud }) {
      for (const point of result.crashedAt) crashedAt.add(point);
      onLed?.({ ...result, life, cloud });
    },
  });
  return crashedAt;
}
