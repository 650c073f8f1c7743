// Workers that take keys from a queue and reconcile them: a failure comes back after a back-off, success resets it.
import { type Clock, startDeadline } from "@machine-controller/kube-client";
import { type AddOptions, type WorkQueue, createWorkQueue } from "./work-queue.ts";

export type ReconcileResult = {
  /** Come back after this time even if nothing changes. */
  requeueAfterMs?: number;
};

export type Reconcile = (key: string, context: { signal: AbortSignal }) => Promise<ReconcileResult | void>;

export type ControllerOptions = {
  name: string;
  /** Level-based and idempotent. May throw; an error's `retryAfterMs` is honoured if longer than the back-off. */
  reconcile: Reconcile;
  concurrency: number;
  queue?: WorkQueue;
  clock: Clock;
  /** After which the signal of one reconcile aborts. Default: never. */
  reconcileTimeoutMs?: number;
  onError?: (key: string, error: unknown, retryInMs: number) => void;
  /** Once per reconcile, for metrics. */
  onReconciled?: (result: { key: string; outcome: "success" | "error" | "aborted"; durationMs: number }) => void;
};

export type Controller = {
  readonly name: string;
  readonly queue: WorkQueue;
  enqueue(key: string, options?: AddOptions): void;
  enqueueAfter(key: string, ms: number, options?: AddOptions): void;
  /** Until the signal aborts; resolves when the running reconciles, which got the signal, have settled. */
  run(signal: AbortSignal): Promise<void>;
};

export function createController(options: ControllerOptions): Controller {
  const { name, reconcile, concurrency, clock, reconcileTimeoutMs = Infinity, onError, onReconciled } = options;
  const queue = options.queue ?? createWorkQueue({ clock });

  async function attempt(key: string, signal: AbortSignal): Promise<ReconcileResult | void> {
    using deadline = startDeadline({
      signal,
      clock,
      timeoutMs: reconcileTimeoutMs,
      reason: () => new DOMException(`${name}: ${key} took longer than ${reconcileTimeoutMs} ms`, "TimeoutError"),
    });
    return await reconcile(key, { signal: deadline.signal });
  }

  async function work(key: string, signal: AbortSignal): Promise<"success" | "error" | "aborted"> {
    try {
      signal.throwIfAborted();
      const result = await attempt(key, signal);
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
      return "success";
    } catch (error) {
      if (signal.aborted) {
        // Cut short, not failed: whoever runs this controller next starts with it.
        queue.add(key);
        return "aborted";
      }
      const retryInMs = queue.retry(key, { minMs: retryAfterMs(error) });
      onError?.(key, error, retryInMs);
      return "error";
    } finally {
      queue.done(key);
    }
  }

  async function runWorker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const key = await queue.next({ signal }).catch(() => undefined);
      if (key === undefined) return;
      const startedAt = clock.now();
      const outcome = await work(key, signal);
      onReconciled?.({ key, outcome, durationMs: clock.now() - startedAt });
    }
  }

  return {
    name,
    queue,
    enqueue: (key, options) => queue.add(key, options),
    enqueueAfter: (key, ms, options) => queue.addAfter(key, ms, options),
    async run(signal) {
      await Promise.all(Array.from({ length: concurrency }, () => runWorker(signal)));
    },
  };
}

function retryAfterMs(error: unknown): number {
  const ms = error instanceof Error && "retryAfterMs" in error ? error.retryAfterMs : undefined;
  return typeof ms === "number" && ms > 0 ? ms : 0;
}
