import type { Clock } from "./clock.ts";

export type DeadlineOptions = {
  signal: AbortSignal;
  clock: Clock;
  /** `Infinity`: follows `signal` only. */
  timeoutMs: number;
  /** What the scoped signal aborts with when time is up. */
  reason: () => Error;
};

/** A scope that aborts with its parent or when time is up; disposing it frees the timer and the listener. */
export function startDeadline({
  signal,
  clock,
  timeoutMs,
  reason,
}: DeadlineOptions): Disposable & { signal: AbortSignal } {
  const scope = new AbortController();
  const timer = new AbortController();
  const follow = (): void => scope.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  if (Number.isFinite(timeoutMs)) {
    clock.sleep(timeoutMs, { signal: timer.signal }).then(
      () => scope.abort(reason()),
      () => undefined,
    );
  }
  return {
    signal: scope.signal,
    [Symbol.dispose]() {
      signal.removeEventListener("abort", follow);
      timer.abort("disposed");
    },
  };
}

/** Settles as `work` does, or rejects with the signal's reason at once when it aborts first; `work` itself goes on. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
