// One leader at a time through a Lease, understood by client-go's leader election and the other way round.
import { isKubeError, startDeadline } from "@machine-controller/kube-client";
import { type LeaseLockOptions, createLeaseLock } from "./lease-lock.ts";

export type LeaderElectionOptions = Omit<LeaseLockOptions, "leaseDurationMs"> & {
  random?: () => number;
  /** How long others wait, by their own clocks, after the last renewal they saw. Default 15 s. */
  leaseDurationMs?: number;
  /** How long the leader goes on without a renewal. Default 10 s. */
  renewDeadlineMs?: number;
  /** Default 2 s. */
  retryPeriodMs?: number;
  /** The work of the leader, until its signal aborts. */
  lead: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
  /** Told whenever the lease was acquired or renewed. */
  onHeld?: () => void;
  /** Told of every failed attempt to acquire or renew. */
  onError?: (error: unknown) => void;
};

export class LeaderElectionError extends Error {
  override readonly name = "LeaderElectionError";
  readonly code = "LeadershipLost";
}

/**
 * Waits for leadership, leads, and renews until `lead` has settled — also while it drains after an abort — then releases.
 * Resolves after an abort or when `lead` resolves. Rejects with the error of `lead`, or with LeadershipLost when leadership
 * was lost and `lead` has settled.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { clock, random = () => 0.5, signal, onHeld = () => {}, onError = () => {} } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs)) {
    throw new RangeError("leader election needs leaseDurationMs > renewDeadlineMs > retryPeriodMs");
  }
  const lock = createLeaseLock({ ...options, leaseDurationMs });

  async function acquire(): Promise<boolean> {
    while (!signal.aborted) {
      try {
        using deadline = startDeadline({ signal, clock, timeoutMs: renewDeadlineMs, reason: timedOut });
        if (await lock.tryHold(deadline.signal)) {
          onHeld();
          return true;
        }
      } catch (error) {
        // Losing a race for the lease is the ordinary case.
        if (!signal.aborted && !isRaceLost(error)) onError(error);
      }
      await clock.sleep(retryPeriodMs * (1 + random() / 5), { signal }).catch(() => undefined);
    }
    return false;
  }

  /** Resolves when the signal aborts, rejects when leadership is lost. */
  async function keep(signal: AbortSignal): Promise<void> {
    while (true) {
      await clock.sleep(retryPeriodMs, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      using deadline = startDeadline({
        signal,
        clock,
        timeoutMs: lock.renewedAt + renewDeadlineMs - clock.now(),
        reason: timedOut,
      });
      let failure: unknown;
      try {
        if (await lock.tryHold(deadline.signal)) {
          onHeld();
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        failure = error;
        onError(error);
      }
      if (failure === undefined)
        throw new LeaderElectionError(`leadership was taken over by ${lock.holder ?? "nobody"}`);
      if (deadline.signal.aborted || clock.now() - lock.renewedAt >= renewDeadlineMs) {
        throw new LeaderElectionError(`leadership was not renewed within ${renewDeadlineMs} ms`, { cause: failure });
      }
    }
  }

  if (!(await acquire())) return;
  const ended = new AbortController();
  const lost = new AbortController();
  const kept = keep(ended.signal).catch((error: unknown) => {
    lost.abort(error);
    throw error;
  });
  const led = options.lead(AbortSignal.any([signal, lost.signal])).finally(() => ended.abort("led"));
  const [leading, keeping] = await Promise.allSettled([led, kept]);
  await lock.release();
  if (keeping.status === "rejected") throw keeping.reason;
  if (leading.status === "rejected" && !(signal.aborted && leading.reason === signal.reason)) throw leading.reason;
}

function timedOut(): Error {
  return new DOMException("no answer about the lease in time", "TimeoutError");
}

function isRaceLost(error: unknown): boolean {
  return isKubeError(error, "Conflict") || isKubeError(error, "AlreadyExists");
}
