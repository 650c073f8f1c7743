/** A controller that starts into a fleet which needs nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerProcess } from "../../test/e2e/controller-process.ts";
import { type Figure, figure, held } from "../bench.ts";
import { usageOf } from "../process-usage.ts";
import { sum, writesOf } from "./phase.ts";
import type { FleetSite } from "./site.ts";

const SAMPLE_MS = 500;
/** Below this share of a core over one sample nothing is left to do. */
const IDLE_SHARE = 0.1;

export async function measureRestart(
  site: FleetSite,
  { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
): Promise<{ controller: ControllerProcess; figures: Figure[] }> {
  progress("restart");
  const callsBefore = sum(await site.cloud.calls());
  const requests = site.countRequests();
  const startedAt = performance.now();
  const controller = await site.startController();
  const syncedMs = performance.now() - startedAt;
  const idleAt = await idleSince(controller.pid, signal);
  const settledSeconds = (idleAt - startedAt) / 1_000;
  const calls = sum(await site.cloud.calls()) - callsBefore;
  const asked = requests?.();
  const { cpuSeconds, rssMiB } = usageOf(controller.pid);
  return {
    controller,
    figures: [
      held("restart: settled", settledSeconds, { unit: "s", digits: 1, atMost: 10 }),
      figure("  caches filled", syncedMs / 1_000, { unit: "s", digits: 1 }),
      asked === undefined
        ? { what: "  API writes", measured: "no audit log" }
        : held("  API writes", sum(writesOf(asked)), { unit: [...writesOf(asked).keys()].join(", "), atMost: 0 }),
      figure("  cloud calls (a list is one for every 50 servers)", calls, { unit: "" }),
      figure("  CPU", cpuSeconds, { unit: "s", digits: 1 }),
      figure("  memory", rssMiB, { unit: "MiB" }),
    ],
  };
}

/** When the process began to do nothing. */
export async function idleSince(pid: number, signal: AbortSignal): Promise<number> {
  for (;;) {
    const at = performance.now();
    const before = usageOf(pid).cpuSeconds;
    await sleep(SAMPLE_MS, undefined, { signal });
    const share = ((usageOf(pid).cpuSeconds - before) * 1_000) / (performance.now() - at);
    if (share < IDLE_SHARE) return at;
  }
}
