/** Reads that many Machines need at about the same time: one under way a key, its answer shared by all it is fresh for. */
import { untilAborted } from "@machine-controller/kube-client";

/** `startedAtMs`: taken before the read began, in milliseconds on the clock. */
export type Timed<T> = T & { readonly startedAtMs: number };

export type SharedReads<T extends object> = {
  /** The newest complete answer; undefined when there has been none. */
  latest(key: string): Timed<T> | undefined;
  /**
   * An answer of a read that began after `startedAfterMs`. A read goes on when a caller aborts, since others may wait for
   * it too: `read` must have an end of its own.
   */
  read(
    key: string,
    request: { startedAfterMs: number; read: () => Promise<T>; signal: AbortSignal },
  ): Promise<Timed<T>>;
  /** Forgets all answers: their times mean nothing any more. */
  clear(): void;
};

/** @param options.most keys whose newest answer is kept; `onAnswer` is told of every complete one. */
export function createSharedReads<T extends object>(options: {
  clock: { now(): number };
  most: number;
  onAnswer?: (answer: Timed<T>) => void;
}): SharedReads<T> {
  const newest = new Map<string, Timed<T>>();
  const running = new Map<string, { startedAtMs: number; answer: Promise<Timed<T>> }>();

  async function start(key: string, startedAtMs: number, read: () => Promise<T>): Promise<Timed<T>> {
    try {
      const answer = { ...(await read()), startedAtMs };
      newest.delete(key);
      newest.set(key, answer);
      const [oldest] = newest.keys();
      if (newest.size > options.most && oldest !== undefined) newest.delete(oldest);
      options.onAnswer?.(answer);
      return answer;
    } finally {
      running.delete(key);
    }
  }

  return {
    latest: (key) => newest.get(key),
    clear: () => newest.clear(),
    async read(key, { startedAfterMs, read, signal }) {
      for (;;) {
        const known = newest.get(key);
        if (known !== undefined && known.startedAtMs > startedAfterMs) return known;
        const current = running.get(key);
        if (current === undefined) {
          const startedAtMs = options.clock.now();
          const answer = start(key, startedAtMs, read);
          running.set(key, { startedAtMs, answer });
          return untilAborted(answer, signal);
        }
        if (current.startedAtMs > startedAfterMs) return untilAborted(current.answer, signal);
        // It began too early for this caller; whatever comes of it, the next one is fresh.
        const ended = current.answer.then(
          () => undefined,
          () => undefined,
        );
        await untilAborted(ended, signal);
      }
    },
  };
}
