/** Ends what takes too long. All deadlines share one sleeper, which sleeps only while there are any. */
import type { Clock } from "../clock.ts";

export type Deadlines = {
  /** Calls `expire` once, `ms` from now or up to a second later, unless what is returned is called before. */
  set(ms: number, expire: () => void): () => void;
};

const GRANULARITY_MS = 1000;

export function createDeadlines(clock: Clock, closing: AbortSignal): Deadlines {
  const pending = new Set<{ at: number; expire: () => void }>();
  let isWatching = false;

  async function watch(): Promise<void> {
    isWatching = true;
    try {
      while (pending.size > 0) {
        await clock.sleep(GRANULARITY_MS, { signal: closing });
        const now = clock.now();
        for (const deadline of pending) {
          if (deadline.at > now) continue;
          pending.delete(deadline);
          deadline.expire();
        }
      }
    } catch {
      // The server closes, and what is pending ends with it.
    } finally {
      isWatching = false;
    }
  }

  return {
    set(ms, expire) {
      const deadline = { at: clock.now() + ms, expire };
      pending.add(deadline);
      if (!isWatching) void watch();
      return () => pending.delete(deadline);
    },
  };
}
