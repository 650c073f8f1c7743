// Keys waiting for a worker. A key is never worked on twice at once; adds while it is worked on become one more turn.
import type { Clock } from "@machine-controller/kube-client";
import { type Backoff, backoffMs } from "./backoff.ts";
import { createDelayHeap } from "./delay-heap.ts";
import { createReadyGroups } from "./ready-groups.ts";

export type AddOptions = {
  /** Higher goes first; default 0. Adding again with a higher priority lifts a waiting key. */
  priority?: number;
};

export type WorkQueue<K = string> = {
  add(key: K, options?: AddOptions): void;
  /** Adds after `ms`. Of several delays pending for one key the earliest counts; a plain `add` does not cancel them. */
  addAfter(key: K, ms: number, options?: AddOptions): void;
  /** Adds after the key's back-off, which doubles until `forget`, or `minMs` if that is longer. Returns the delay. */
  retry(key: K, options?: AddOptions & { minMs?: number }): number;
  /** Resets the key's back-off. */
  forget(key: K): void;
  /** Waits for a key of a group that has a place; it then is being processed until `done(key)`. */
  next(options: { signal: AbortSignal }): Promise<K>;
  /** Lets another key of its group be processed beside this one, which goes on until `done`. */
  leavePlace(key: K): void;
  done(key: K): void;
  /** How long a key that is being processed had been ready, in milliseconds. */
  waitedMs(key: K): number;
  /** Keys that are ready. */
  readonly size: number;
  readonly metrics: WorkQueueMetrics;
};

export type WorkQueueMetrics = {
  ready: number;
  delayed: number;
  processing: number;
  /** Keys with a back-off. */
  failing: number;
  /** How often a key became ready, and how often `retry` was called, since the beginning. */
  added: number;
  retried: number;
  /** How long the key that waits longest has been ready, and the one that is processed longest is; 0 without one. */
  oldestReadyMs: number;
  longestProcessingMs: number;
  /** For how long all keys that are processed have been so, together. */
  unfinishedMs: number;
};

export type WorkQueueOptions<K> = {
  clock: Clock;
  backoff?: Backoff;
  /** Keys of one group share places, so that a group whose work is slow does not slow down another's. Default: one group. */
  groupOf?: (key: K) => string;
  /** Keys of one group that are processed at once. Default: as many as are asked for. */
  placesPerGroup?: number;
  /** A key's turns begin at least this far apart: what is added in between becomes one turn. Default: 0. */
  paceMs?: number | ((key: K) => number);
};

const DEFAULT_BACKOFF: Backoff = { baseMs: 5, maxMs: 1_000_000 };

export function createWorkQueue<K = string>(options: WorkQueueOptions<K>): WorkQueue<K> {
  const { clock, backoff = DEFAULT_BACKOFF, groupOf = () => "", placesPerGroup = Infinity, paceMs = 0 } = options;
  const paceOf = typeof paceMs === "number" ? () => paceMs : paceMs;
  const ready = createReadyGroups<K>(groupOf);
  /** Since when; the first waits longest. */
  const readySince = new Map<K, number>();
  const delayed = createDelayHeap<K>();
  const processing = new Map<K, { group: string; hasPlace: boolean; sinceMs: number; waitedMs: number }>();
  const taken = new Map<string, number>();
  /** Added while being processed. */
  const dirty = new Map<K, number>();
  const failures = new Map<K, number>();
  /** When a key's latest turn began, while that slows its next one; the first began first. */
  const latestTurn = new Map<K, number>();
  const waiters = new Set<(key: K) => void>();
  let alarm: { due: number; controller: AbortController } | undefined;
  let added = 0;
  let retried = 0;

  function put(key: K, priority: number): void {
    if (processing.has(key)) {
      dirty.set(key, Math.max(priority, dirty.get(key) ?? priority));
      return;
    }
    const restMs = restOf(key);
    if (restMs > 0) return delayed.add(key, clock.now() + restMs, priority);
    if (!readySince.has(key)) {
      readySince.set(key, clock.now());
      added += 1;
    }
    ready.add(key, priority);
  }

  /** How long until the key's next turn may begin. A turn in the future began before the clock was set back. */
  function restOf(key: K): number {
    const sinceMs = clock.now() - (latestTurn.get(key) ?? -Infinity);
    return sinceMs < 0 ? 0 : paceOf(key) - sinceMs;
  }

  function beginTurn(key: K): void {
    if (paceMs === 0) return;
    for (const [other, atMs] of latestTurn) {
      if (Math.abs(clock.now() - atMs) < paceOf(other)) break;
      latestTurn.delete(other);
    }
    latestTurn.delete(key);
    latestTurn.set(key, clock.now());
  }

  function promote(): void {
    const now = clock.now();
    for (let due = delayed.popDue(now); due !== undefined; due = delayed.popDue(now)) put(due.key, due.priority);
  }

  function take(): K | undefined {
    const next = ready.shift((group) => (taken.get(group) ?? 0) < placesPerGroup);
    if (next === undefined) return undefined;
    const { key, group } = next;
    const sinceMs = clock.now();
    const waitedMs = Math.max(0, sinceMs - (readySince.get(key) ?? sinceMs));
    processing.set(key, { group, hasPlace: true, sinceMs, waitedMs });
    readySince.delete(key);
    beginTurn(key);
    taken.set(group, (taken.get(group) ?? 0) + 1);
    return key;
  }

  function freePlace(key: K): void {
    const turn = processing.get(key);
    if (turn === undefined || !turn.hasPlace) return;
    turn.hasPlace = false;
    const left = (taken.get(turn.group) ?? 1) - 1;
    if (left > 0) taken.set(turn.group, left);
    else taken.delete(turn.group);
  }

  /** Hands ready keys to waiting workers, then sleeps until the next delay ends if any worker still waits. */
  function dispatch(): void {
    promote();
    for (const waiter of waiters) {
      const key = take();
      if (key === undefined) break;
      waiters.delete(waiter);
      waiter(key);
    }
    const due = waiters.size === 0 ? undefined : delayed.nextDue;
    if (alarm !== undefined && due !== undefined && alarm.due <= due) return;
    alarm?.controller.abort("another time");
    alarm = undefined;
    if (due === undefined) return;
    const controller = new AbortController();
    alarm = { due, controller };
    clock.sleep(Math.max(0, due - clock.now()), { signal: controller.signal }).then(
      () => {
        if (alarm?.controller === controller) alarm = undefined;
        dispatch();
      },
      () => undefined,
    );
  }

  const queue: WorkQueue<K> = {
    add(key, { priority = 0 } = {}) {
      put(key, priority);
      dispatch();
    },
    addAfter(key, ms, { priority = 0 } = {}) {
      if (ms <= 0) return queue.add(key, { priority });
      delayed.add(key, clock.now() + ms, priority);
      dispatch();
    },
    retry(key, { minMs = 0, ...options } = {}) {
      const failed = failures.get(key) ?? 0;
      failures.set(key, failed + 1);
      retried += 1;
      const delay = Math.max(minMs, backoffMs(backoff, failed));
      queue.addAfter(key, delay, options);
      return delay;
    },
    forget: (key) => void failures.delete(key),
    async next({ signal }) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<K>();
      const abort = (): void => {
        // A key already handed over is the caller's, abort or not: losing it would keep it processing for ever.
        if (waiters.delete(resolve)) reject(signal.reason);
        dispatch();
      };
      waiters.add(resolve);
      dispatch();
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await promise;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    leavePlace(key) {
      freePlace(key);
      dispatch();
    },
    done(key) {
      freePlace(key);
      processing.delete(key);
      const priority = dirty.get(key);
      dirty.delete(key);
      if (priority !== undefined) put(key, priority);
      dispatch();
    },
    waitedMs: (key) => processing.get(key)?.waitedMs ?? 0,
    get size() {
      promote();
      return ready.size;
    },
    get metrics() {
      promote();
      const now = clock.now();
      const [readyAt = now] = readySince.values();
      const [{ sinceMs } = { sinceMs: now }] = processing.values();
      return {
        ready: ready.size,
        delayed: delayed.size,
        processing: processing.size,
        failing: failures.size,
        added,
        retried,
        oldestReadyMs: now - readyAt,
        longestProcessingMs: now - sinceMs,
        unfinishedMs: processing.values().reduce((total, work) => total + now - work.sinceMs, 0),
      };
    },
  };
  return queue;
}
