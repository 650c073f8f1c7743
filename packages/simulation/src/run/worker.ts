/** A thread that runs one world after the other, with every await of controllers and providers followed. */
import { parentPort } from "node:worker_threads";
import type { CloudName } from "../clouds/registry.ts";
import { followAwaits } from "../crash-points/waiting.ts";

export type WorkerTask = { seed: string; cloud: CloudName | undefined };

const waiting = followAwaits();
const { serializeCrypto } = await import("../world/clock.ts");
const { runSeed } = await import("./run-seed.ts");
serializeCrypto();
parentPort?.on("message", ({ seed, cloud }: WorkerTask) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void runSeed(seed, { cloud, waiting }).then(({ summary }) => parentPort?.postMessage(summary));
});
