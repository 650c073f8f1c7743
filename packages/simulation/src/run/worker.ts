/** A thread that runs one world after the other. */
import { parentPort } from "node:worker_threads";
import type { CloudName } from "../clouds/registry.ts";
import { serializeCrypto } from "../world/clock.ts";
import { runSeed } from "./run-seed.ts";

export type WorkerTask = { seed: string; cloud: CloudName | undefined };

serializeCrypto();
parentPort?.on("message", ({ seed, cloud }: WorkerTask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void runSeed(seed, { cloud }).then(({ summary }) => parentPort?.postMessage(summary));
});
