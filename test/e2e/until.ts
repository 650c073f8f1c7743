// Waiting for a state that somebody else brings about.
import { setTimeout as sleep } from "node:timers/promises";

/** `pending` says what is still missing, for the progress line and the time-out. */
export type Check<T> = () => Promise<{ done: T } | { pending: string }>;

export type Patience = {
  timeoutMs: number;
  pollMs: number;
  signal: AbortSignal;
  /** Hears each change of what is missing, once the wait is longer than `quietMs`. */
  progress: (pending: string) => void;
  quietMs: number;
};

/** @throws an error with what was missing last; what `check` throws; the signal's reason. */
export async function until<T>(what: string, check: Check<T>, patience: Patience): Promise<T> {
  const { timeoutMs, pollMs, signal, progress, quietMs } = patience;
  const started = performance.now();
  let told: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const result = await check();
    if ("done" in result) return result.done;
    const waitedMs = performance.now() - started;
    if (waitedMs > quietMs && result.pending !== told) {
      told = result.pending;
      progress(`${what}: ${told}`);
    }
    if (waitedMs > timeoutMs) throw new Error(`${what}: not after ${timeoutMs / 1000} s; ${result.pending}`);
    await sleep(pollMs, undefined, { signal });
  }
}
