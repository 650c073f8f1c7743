/** Tells of missing permissions at the start, and until they are there: better than a failure deep in a deletion. */
import type { Log } from "@machine-controller/controllers";
import type { KubeClient } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import { missingPermissions } from "./check-permissions.ts";
import { describePermission, type Permission } from "./required-permissions.ts";

const ASK_AGAIN_MS = 10 * 60_000;

/** Until nothing is missing or the signal aborts. */
export async function watchPermissions(options: {
  client: KubeClient;
  permissions: readonly Permission[];
  clock: Clock;
  log: Log;
  onMissing: (missing: readonly Permission[]) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { client, permissions, clock, log, onMissing, signal } = options;
  let told = "";
  while (!signal.aborted) {
    try {
      const missing = await missingPermissions(client, permissions, { signal });
      onMissing(missing);
      if (missing.length === 0) return;
      const list = missing.map(describePermission).join(", ");
      if (list !== told) log("warn", `this account lacks permissions: ${list}; grant them as deploy/ does`);
      told = list;
    } catch (error) {
      if (!signal.aborted) log("warn", `permissions could not be checked: ${String(error)}`);
    }
    await clock.sleep(ASK_AGAIN_MS, { signal }).catch(() => undefined);
  }
}
