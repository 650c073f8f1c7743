// Takes keys from a queue and reconciles them: a failure comes back after a back-off, success resets it.
import { type Clock, startDeadline } from "@machine-controller/kube-client";
import { type AddOptions, type WorkQueue, createWorkQueue } from "./work-queue.ts";

export type ReconcileResult = {
  /** Come back after this time even if nothing changes. */
  requeueAfterMs?: number;
};

export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult | void>;

export type ReconcileContext = {
  signal: AbortSignal;
  /** Before a wait for what many keys wait for: until this pass ends another of its group runs beside it. */
  leavePlace(): void;
};

/** One reconcile as others see it: `waitedMs` is how long its key had been ready. */
export type Pass = { readonly key: string; readonly waitedMs: number };
export type AroundPass = (pass: Pass, run: () => Promise<ReconcileResult | void>) => Promise<ReconcileResult | void>;

export type ControllerOptions = {
  name: string;
  /** Level-based and idempotent. May throw; an error's `retryAfterMs` is honoured if longer than the back-off. */
  reconcile: Reconcile;
  /** Keys of one group that are reconciled at once. */
  concurrency: number;
  /** What a key's reconcile depends on, such as a cloud: what hangs in one group takes no places from the others. */
  groupOf?: (key: string) => string;
  /** Passes over one key begin at least this far apart: where one costs as much as the key has parts. Default: 0. */
  paceMs?: number | ((key: string) => number);
  clock: Clock;
  /** After which the signal of one reconcile aborts. Default: never. */
  reconcileTimeoutMs?: number;
  onError?: (key: string, error: unknown, retryInMs: number) => void;
};

export type Controller = {
  readonly name: string;
  readonly concurrency: number;
  readonly queue: WorkQueue;
  enqueue(key: string, options?: AddOptions): void;
  enqueueAfter(key: string, ms: number, options?: AddOptions): void;
  /**
   * Runs every later reconcile inside `around`, for metrics and traces: it calls `run` once and passes on what comes of it.
   * The last one added is outermost.
   */
  wrap(around: AroundPass): void;
  /** Until the signal aborts; resolves when the running reconciles, which got the signal, have settled. */
  run(signal: AbortSignal): Promise<void>;
};

export function createController(options: ControllerOptions): Controller {
  const { name, reconcile, concurrency, groupOf, paceMs = 0, clock, reconcileTimeoutMs = Infinity, onError } = options;
  const queue = createWorkQueue({ clock, placesPerGroup: concurrency, paceMs, ...(groupOf && { groupOf }) });
  let within: AroundPass = (_pass, run) => run();

  async function attempt(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    using deadline = startDeadline({
      signal,
      clock,
      timeoutMs: reconcileTimeoutMs,
      reason: () => new DOMException(`${name}: ${key} took longer than ${reconcileTimeoutMs} ms`, "TimeoutError"),
    });
    return await reconcile(key, { signal: deadline.signal, leavePlace: () => queue.leavePlace(key) });
  }

  async function pass(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    try {
      signal.throwIfAborted();
      const result = await attempt(key, signal);
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
      return result;
    } catch (error) {
      if (signal.aborted) {
        // Cut short, not failed: whoever runs this controller next starts with it.
        queue.add(key);
      } else {
        const retryInMs = queue.retry(key, { minMs: retryAfterMs(error) });
        onError?.(key, error, retryInMs);
      }
      throw error;
    }
  }

  async function work(key: string, signal: AbortSignal): Promise<void> {
    try {
      await within({ key, waitedMs: queue.waitedMs(key) }, () => pass(key, signal));
    } catch {
      // The pass has queued its key again and told of it.
    } finally {
      queue.done(key);
    }
  }

  return {
    name,
    concurrency,
    queue,
    enqueue: (key, options) => queue.add(key, options),
    enqueueAfter: (key, ms, options) => queue.addAfter(key, ms, options),
    wrap(around) {
      const inner = within;
      within = (pass, run) => around(pass, () => inner(pass, run));
    },
    async run(signal) {
      const running = new Set<Promise<void>>();
      while (!signal.aborted) {
        const key = await queue.next({ signal }).catch(() => undefined);
        if (key === undefined) break;
        const working: Promise<void> = work(key, signal).finally(() => running.delete(working));
        running.add(working);
      }
      await Promise.all(running);
    },
  };
}

function retryAfterMs(error: unknown): number {
  const ms = error instanceof Error && "retryAfterMs" in error ? error.retryAfterMs : undefined;
  return typeof ms === "number" && ms > 0 ? ms : 0;
}
