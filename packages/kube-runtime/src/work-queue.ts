// Keys waiting for a worker. A key is never worked on twice at once; adds while it is worked on become one more turn.
import type { Clock } from "@machine-controller/kube-client";
import { type Backoff, backoffMs } from "./backoff.ts";
import { createDelayHeap } from "./delay-heap.ts";
import { createReadyList } from "./ready-list.ts";

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
  /** Waits for a key, which then is being processed until `done(key)`. */
  next(options: { signal: AbortSignal }): Promise<K>;
  done(key: K): void;
  /** Keys a worker could take now. */
  readonly size: number;
  readonly metrics: { ready: number; delayed: number; processing: number; failing: number };
};

const DEFAULT_BACKOFF: Backoff = { baseMs: 5, maxMs: 1_000_000 };

export function createWorkQueue<K = string>(options: { clock: Clock; backoff?: Backoff }): WorkQueue<K> {
  const { clock, backoff = DEFAULT_BACKOFF } = options;
  const ready = createReadyList<K>();
  const delayed = createDelayHeap<K>();
  const processing = new Set<K>();
  /** Added while being processed. */
  const dirty = new Map<K, number>();
  const failures = new Map<K, number>();
  const waiters = new Set<(key: K) => void>();
  let alarm: { due: number; controller: AbortController } | undefined;

  function put(key: K, priority: number): void {
    if (processing.has(key)) dirty.set(key, Math.max(priority, dirty.get(key) ?? priority));
    else ready.add(key, priority);
  }

  function promote(): void {
    const now = clock.now();
    for (let due = delayed.popDue(now); due !== undefined; due = delayed.popDue(now)) put(due.key, due.priority);
  }

  /** Hands ready keys to waiting workers, then sleeps until the next delay ends if any worker still waits. */
  function dispatch(): void {
    promote();
    for (const waiter of waiters) {
      const key = ready.shift();
      if (key === undefined) break;
      waiters.delete(waiter);
      processing.add(key);
      waiter(key);
    }
    const due = waiters.size === 0 ? undefined : delayed.nextDue;
    if (alarm !== undefined && due !== undefined && alarm.due <= due) return;
    alarm?.controller.abort();
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
    done(key) {
      processing.delete(key);
      const priority = dirty.get(key);
      dirty.delete(key);
      if (priority !== undefined) queue.add(key, { priority });
    },
    get size() {
      promote();
      return ready.size;
    },
    get metrics() {
      promote();
      return { ready: ready.size, delayed: delayed.size, processing: processing.size, failing: failures.size };
    },
  };
  return queue;
}
