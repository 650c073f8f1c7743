import type { Clock } from "@machine-controller/kube-client";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Turns of the event loop given to whoever was woken, so that what they start is done before time goes on. */
const SETTLE_TURNS = 4;

export type ManualClock = Clock & {
  /** Moves time forward, waking each sleeper at its own moment and letting it run before the next one wakes. */
  advance(ms: number): Promise<void>;
};

/** A clock for tests: time stands still until told to move. */
export function createManualClock(startMs = 0): ManualClock {
  let now = startMs;
  const sleepers = new Set<{ due: number; wake: () => void }>();

  return {
    now: () => now,
    async sleep(ms, { signal }) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { due: now + ms, wake: resolve };
      const abort = (): void => reject(signal.reason);
      sleepers.add(sleeper);
      signal.addEventListener("abort", abort, { once: true });
      try {
        await promise;
      } finally {
        sleepers.delete(sleeper);
        signal.removeEventListener("abort", abort);
      }
    },
    async advance(ms) {
      const target = now + ms;
      await settle();
      while (true) {
        let next: { due: number; wake: () => void } | undefined;
        for (const sleeper of sleepers) if (next === undefined || sleeper.due < next.due) next = sleeper;
        if (next === undefined || next.due > target) break;
        now = Math.max(now, next.due);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      now = target;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await nextTurn();
}
