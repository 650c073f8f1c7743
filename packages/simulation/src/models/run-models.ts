/** Leads lives on all cores, each life on each of its clouds a task. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { CloudName } from "../clouds/registry.ts";
import type { PointId } from "../crash-points/await-points.ts";
import { cloudsOf, type Life } from "./lives/life.ts";
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
  const queue = lives
    .flatMap((life) => cloudsOf(life).map((cloud) => ({ life: life.name, cloud })))
    .filter(({ cloud }) => clouds?.includes(cloud) ?? true)
    .values();

  async function work(): Promise<void> {
    const worker = new Worker(new URL("worker.ts", import.meta.url));
    const died = new Promise<never>((_resolve, reject) => worker.once("error", reject));
    died.catch(() => undefined);
    try {
      for (const { life, cloud } of queue) {
        const known = quick ? [...crashedAt] : [];
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage({ life, cloud, mode, known } satisfies ModelTask);
        const [result] = (await Promise.race([once(worker, "message"), died])) as [ModelResult];
        for (const point of result.crashedAt) crashedAt.add(point);
        onLed?.({ ...result, life, cloud });
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return crashedAt;
}
