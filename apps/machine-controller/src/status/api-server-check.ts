/** Whether the API server answers: one small request, whose outcome serves all probes of the next seconds. */
import { type KubeClient, startDeadline } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import type { HealthCheck } from "./health-checks.ts";

const REMEMBERED_MS = 5_000;
const TIMEOUT_MS = 4_000;

export function createApiServerCheck({ client, clock }: { client: KubeClient; clock: Clock }): HealthCheck {
  let latest: { atMs: number; outcome: Promise<void> } | undefined;

  async function ask(): Promise<void> {
    const reason = (): Error => new Error(`the API server did not answer within ${TIMEOUT_MS} ms`);
    const { signal } = new AbortController();
    using deadline = startDeadline({ signal, clock, timeoutMs: TIMEOUT_MS, reason });
    // Open to every account, and answered without a look into storage.
    const response = await client.request("/version", { signal: deadline.signal });
    await response.body?.cancel();
  }

  return () => {
    const nowMs = clock.now();
    if (latest === undefined || Math.abs(nowMs - latest.atMs) >= REMEMBERED_MS) {
      latest = { atMs: nowMs, outcome: ask() };
    }
    return latest.outcome;
  };
}
