/**
 * Whether a process that answers still does its work. A process that hangs as a whole does not answer at all; this finds
 * a reconcile that nothing ends, a queue that nobody works on, and a leader whose lease has run out without its knowing.
 */
import type { Controller } from "@machine-controller/kube-runtime";
import type { HealthCheck } from "./health-checks.ts";

/** Far beyond the time-out of any reconcile. */
const LONGEST_RECONCILE_MS = 15 * 60_000;
/** Keys that are ready are taken at once unless their group is full, and then its reconciles end within the time above. */
const LONGEST_UNTAKEN_MS = 5 * 60_000;
/** Lease duration and client-go's tolerance beyond it. */
const LONGEST_WITHOUT_LEASE_MS = 35_000;

export type Liveness = {
  readonly checks: Readonly<Record<string, HealthCheck>>;
  watch(controllers: readonly Pick<Controller, "name" | "queue">[]): void;
  /** Told of every renewal of the lease. */
  held(): void;
  /** The lease was given up: nothing is expected of it any more. */
  released(): void;
};

export function createLiveness({ clock }: { clock: { now(): number } }): Liveness {
  let watched: readonly Pick<Controller, "name" | "queue">[] = [];
  let heldAtMs: number | undefined;
  return {
    watch: (controllers) => void (watched = controllers),
    held: () => void (heldAtMs = clock.now()),
    released: () => void (heldAtMs = undefined),
    checks: {
      alive() {
        for (const { name, queue } of watched) {
          const { longestProcessingMs, oldestReadyMs, processing } = queue.metrics;
          if (longestProcessingMs > LONGEST_RECONCILE_MS) {
            throw new Error(`a reconcile of ${name} has been under way for ${minutes(longestProcessingMs)}`);
          }
          if (processing === 0 && oldestReadyMs > LONGEST_UNTAKEN_MS) {
            throw new Error(`nobody has taken a ready key of ${name} for ${minutes(oldestReadyMs)}`);
          }
        }
      },
      "leader-election"() {
        if (heldAtMs !== undefined && clock.now() - heldAtMs > LONGEST_WITHOUT_LEASE_MS) {
          throw new Error("the lease was not renewed in time, and the process still takes itself for the leader");
        }
      },
    },
  };
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} minutes`;
