/** Answers that many Machines need at about the same time: asked for once, kept for a while, never kept when absent. */
import type { Clock } from "@machine-controller/provider";
import { orAborted } from "./or-aborted.ts";

type Entry = { answer: Promise<unknown>; owner: AbortSignal; untilMs: number };

export type SharedLookups = {
  /** The kept answer of this key, or that of `look`. Failures and undefined are not kept. */
  get<T>(key: string, look: (call: { signal: AbortSignal }) => Promise<T>, call: { signal: AbortSignal }): Promise<T>;
  forget(): void;
};

export function createSharedLookups({ clock, ttlMs }: { clock: Clock; ttlMs: number }): SharedLookups {
  const entries = new Map<string, Entry>();

  function start(key: string, look: (call: { signal: AbortSignal }) => Promise<unknown>, owner: AbortSignal): Entry {
    const entry: Entry = { answer: look({ signal: owner }), owner, untilMs: clock.now() + ttlMs };
    const drop = () => {
      if (entries.get(key) === entry) entries.delete(key);
    };
    entry.answer.then((found) => found === undefined && drop(), drop);
    entries.set(key, entry);
    return entry;
  }

  return {
    async get<T>(
      key: string,
      look: (call: { signal: AbortSignal }) => Promise<T>,
      { signal }: { signal: AbortSignal },
    ): Promise<T> {
      for (;;) {
        signal.throwIfAborted();
        const kept = entries.get(key);
        const entry = kept !== undefined && clock.now() < kept.untilMs ? kept : start(key, look, signal);
        try {
          return (await orAborted(entry.answer, signal)) as T;
        } catch (error) {
          // Whoever asked first gave up; that is no answer for those who still want one.
          if (signal.aborted || !entry.owner.aborted) throw error;
        }
      }
    },
    forget: () => entries.clear(),
  };
}
