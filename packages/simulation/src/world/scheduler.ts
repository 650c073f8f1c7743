/** Owns virtual time and the order of everything: one event at a time, each followed until all is blocked again. */
import { untilBlocked } from "./clock.ts";
import { drawFor } from "./random.ts";

export type Scheduler = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `effect` after `ms`. Among events of the same moment the seed decides. Returns how to call it off. */
  after(ms: number, effect: () => void): () => void;
  /** Carries out every event until `untilMs`, or until `isDone`; `afterEach` follows each event. */
  run(options: { untilMs: number; isDone?: () => boolean; afterEach?: () => void }): Promise<void>;
  /** Events carried out so far. */
  readonly count: number;
};

type Entry = { dueMs: number; rank: number; effect: (() => void) | undefined };

export const START_MS = Date.UTC(2030, 0, 1);

export function createScheduler(seed: string): Scheduler {
  const heap: Entry[] = [];
  let nowMs = START_MS;
  let added = 0;
  let count = 0;

  return {
    now: () => nowMs,
    get count() {
      return count;
    },
    after(ms, effect) {
      added += 1;
      const entry: Entry = { dueMs: nowMs + Math.max(0, ms), rank: drawFor(`${seed} ${added}`), effect };
      push(heap, entry);
      return () => (entry.effect = undefined);
    },
    async run({ untilMs, isDone = () => false, afterEach = () => {} }) {
      await untilBlocked();
      afterEach();
      while (!isDone()) {
        const next = heap[0];
        if (next === undefined || next.dueMs > untilMs) {
          nowMs = Math.max(nowMs, untilMs);
          return;
        }
        pop(heap);
        if (next.effect === undefined) continue;
        nowMs = Math.max(nowMs, next.dueMs);
        count += 1;
        next.effect();
        await untilBlocked();
        afterEach();
      }
    },
  };
}

const isBefore = (a: Entry, b: Entry): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.rank < b.rank);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(entry, heap[parent] as Entry)) break;
    heap[at] = heap[parent] as Entry;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
    if (!isBefore(heap[child] as Entry, last)) break;
    heap[at] = heap[child] as Entry;
    at = child;
  }
  heap[at] = last;
}
