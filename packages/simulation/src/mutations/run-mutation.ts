import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { MutantResult } from "./mutant.ts";
import type { Mutation } from "./mutation.ts";

/** Runs worlds with the bug in them until one breaks a promise, in a thread of its own. */
export async function runMutation(mutation: Mutation): Promise<MutantResult> {
  const worker = new Worker(new URL("mutant.ts", import.meta.url), { workerData: mutation });
  try {
    const [result] = (await once(worker, "message")) as [MutantResult];
    return result;
  } finally {
    await worker.terminate();
  }
}
