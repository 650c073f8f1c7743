/** Leads while holding the Lease; a leader that lost it does nothing more, and ends. */
import { hostname } from "node:os";
import type { Log } from "@machine-controller/controllers";
import type { KubeClient } from "@machine-controller/kube-client";
import { runLeaderElection, systemClock } from "@machine-controller/kube-runtime";
import { random01, systemRandom } from "./environment.ts";

/** Another leader may act this long after the renewal deadline has passed: by then nothing of this one may go on. */
const LOST_GRACE_MS = 4_000;

/** @throws LeaderElectionError where leadership was lost. */
export async function elect(options: {
  client: KubeClient;
  log: Log;
  namespace: string;
  name: string;
  lead: (signal: AbortSignal) => Promise<void>;
  held: () => void;
  released: () => void;
  signal: AbortSignal;
}): Promise<void> {
  const { client, log, namespace, name, lead, held, released, signal } = options;
  let told = "";
  await runLeaderElection({
    client,
    clock: systemClock,
    random: random01,
    namespace,
    name,
    identity: `${hostname()}_${Buffer.from(systemRandom.bytes(6)).toString("hex")}`,
    lead(leaderSignal) {
      leaderSignal.addEventListener("abort", () => {
        if (signal.aborted) return;
        log("error", "the leadership is lost", { reason: String(leaderSignal.reason) });
        setTimeout(() => process.exit(1), LOST_GRACE_MS).unref();
      });
      return lead(leaderSignal);
    },
    signal,
    onHeld() {
      told = "";
      held();
    },
    onError(error) {
      // It is tried every two seconds, and says the same as long as the reason is the same.
      const message = `leader election: ${error instanceof Error ? error.message : String(error)}`;
      if (message !== told) log("warn", message);
      told = message;
    },
    onNewLeader: (identity) => log("info", "there is a new leader", { identity }),
  });
  released();
}
