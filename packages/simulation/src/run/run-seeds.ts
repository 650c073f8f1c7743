/** Many worlds on all cores: a worker each, and the next seed to whoever is free. */
import type { CloudName } from "../clouds/registry.ts";
import type { WorldSummary } from "./summary.ts";
import { runInThreads } from "./threads.ts";
import type { WorkerTask } from "./worker.ts";

export type SeedsOptions = {
  seeds: Iterable<string>;
  cloud?: CloudName | undefined;
  workers: number;
  onWorld: (world: WorldSummary) => void;
  signal: AbortSignal;
};

/** @throws where a world brings its worker down; the message names the seed. */
export async function runSeeds({ seeds, cloud, workers, onWorld, signal }: SeedsOptions): Promise<void> {
  function* tasks(): Generator<WorkerTask> {
    for (const seed of seeds) {
      if (signal.aborted) return;
      yield { seed, cloud };
    }
  }
  await runInThreads<WorkerTask, WorldSummary>({
    script: new URL("worker.ts", import.meta.url),
    count: workers,
    tasks: tasks(),
    nameOf: ({ seed }) => `the world of seed ${seed}`,
    onDone: onWorld,
  });
}
