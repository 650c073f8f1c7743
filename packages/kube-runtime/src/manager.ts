// Starts informers before controllers and stops them after, so that a draining reconcile still sees a live store.
import { type Clock, startDeadline, untilAborted } from "@machine-controller/kube-client";
import type { Informer } from "./informer.ts";

export type ManagerOptions = {
  informers: readonly Pick<Informer, "name" | "synced" | "run">[];
  controllers: readonly { run(signal: AbortSignal): Promise<void> }[];
  clock: Clock;
  signal: AbortSignal;
  /** How long all first lists may take. Default two minutes. */
  syncTimeoutMs?: number;
};

/** Until the signal aborts, or anything fails or ends on its own: then everything is drained and the first failure thrown. */
export async function runManager(options: ManagerOptions): Promise<void> {
  const { informers, controllers, clock, signal, syncTimeoutMs = 120_000 } = options;
  const failed = new AbortController();
  const stopInformers = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);

  const watched = async (run: Promise<void>, until: AbortSignal): Promise<void> => {
    try {
      await run;
      if (!until.aborted) throw new Error("a part of the manager ended while it was to run");
    } catch (error) {
      if (!stop.aborted) failed.abort(error);
    }
  };

  const informing = informers.map((informer) => watched(informer.run(stopInformers.signal), stopInformers.signal));
  let controlling: Promise<void>[] = [];
  try {
    await waitForSync({ informers, clock, signal: stop, timeoutMs: syncTimeoutMs });
    controlling = controllers.map((controller) => watched(controller.run(stop), stop));
  } catch (error) {
    if (!stop.aborted) failed.abort(error);
  }
  await Promise.all(controlling);
  if (!stop.aborted) await untilAborted(new Promise<never>(() => {}), stop).catch(() => undefined);
  stopInformers.abort(stop.reason);
  await Promise.all(informing);
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** Resolves once all informers have listed; names those that have not when time is up. */
export async function waitForSync(options: {
  informers: readonly Pick<Informer, "name" | "synced">[];
  clock: Clock;
  signal: AbortSignal;
  timeoutMs: number;
}): Promise<void> {
  const { informers, clock, signal, timeoutMs } = options;
  const missing = new Set(informers.map((informer) => informer.name));
  const reason = (): Error =>
    new DOMException(`not synced in ${timeoutMs} ms: ${[...missing].join(", ")}`, "TimeoutError");
  using deadline = startDeadline({ signal, clock, timeoutMs, reason });
  const synced = informers.map(async (informer) => {
    await informer.synced;
    missing.delete(informer.name);
  });
  await untilAborted(Promise.all(synced), deadline.signal);
}
