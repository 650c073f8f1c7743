/** A thread that leads small lives, with every await of controllers and providers followed. */
import { parentPort } from "node:worker_threads";
import type { CloudName } from "../clouds/registry.ts";
import type { PointId } from "../crash-points/await-points.ts";
import { followAwaits } from "../crash-points/waiting.ts";
import type { ModelResult } from "./model-result.ts";

/** `fault` undefined: dies at each await once; else every message is struck by it. */
export type ModelTask = { life: string; cloud: CloudName; known: readonly PointId[]; mode: "crash" | "faults" };

const waiting = followAwaits();
const { serializeCrypto } = await import("../world/clock.ts");
const { crashEverywhere } = await import("./crash-everywhere.ts");
const { enumerate } = await import("./enumerate.ts");
const { lifeNamed } = await import("./lives/registry.ts");
serializeCrypto();

parentPort?.on("message", (task: ModelTask) => {
  const life = lifeNamed(task.life);
  const known = new Set(task.known);
  const result: Promise<ModelResult> =
    task.mode === "crash"
      ? crashEverywhere(life, task.cloud, { waiting, known })
      : enumerate(life, task.cloud, { waiting });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void result.then((done) => parentPort?.postMessage(done));
});
