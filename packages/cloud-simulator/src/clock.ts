/** Simulated machines and clouds take time from here only. */
import { setImmediate, setTimeout } from "node:timers/promises";

export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Settles after `ms`; rejects as soon as the signal is aborted. */
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, { signal }) => setTimeout(ms, undefined, { signal }),
};

/** A clock whose time passes only when told to. */
export type VirtualClock = Clock & {
  /** Wakes, in order, everything due within `ms`, and lets each finish what it does before the next. */
  advance(ms: number): Promise<void>;
};

export function createVirtualClock(start: number): VirtualClock {
  let now = start;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const next = (limit: number): { at: number; wake: () => void } | undefined => {
    const due = [...sleepers].filter(({ at }) => at <= limit);
    return due.length === 0 ? undefined : due.reduce((first, other) => (other.at < first.at ? other : first));
  };
  return {
    now: () => now,
    async sleep(ms, { signal }) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", abort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let due = next(end); due !== undefined; due = next(end)) {
        now = Math.max(now, due.at);
        due.wake();
        await settle();
      }
      now = end;
    },
  };
}

/** Request and response bodies take a few turns of the event loop even within one process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
}
