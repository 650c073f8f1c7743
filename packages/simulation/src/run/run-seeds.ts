/** Many worlds on all cores: a worker each, and the next seed to whoever is free. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CloudName } from "../clouds/registry.ts";
import type { WorldSummary } from "./summary.ts";
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
  const queue = seeds[Symbol.iterator]();
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL("worker.ts", import.meta.url));
    let seed = "";
    const died = new Promise<never>((_resolve, reject) => {
      worker.once("error", (cause) =>
        reject(new Error(`the world of seed ${seed} brought its worker down`, { cause })),
      );
    });
    died.catch(() => undefined);
    try {
      for (let next = queue.next(); !next.done && !signal.aborted; next = queue.next()) {
        seed = next.value;
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage({ seed, cloud } satisfies WorkerTask);
        const [world] = (await Promise.race([once(worker, "message"), died])) as [WorldSummary];
        onWorld(world);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
