/** A fleet to which nothing happens: whatever the controller does now, it does for ever. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Figure, figure, held } from "../bench.ts";
import { sum, watchPhase, writesOf } from "./phase.ts";
import type { FleetSite } from "./site.ts";

export async function measureRest(
  site: FleetSite,
  {
    pid,
    restMs,
    signal,
    progress,
  }: { pid: number; restMs: number; signal: AbortSignal; progress: (line: string) => void },
): Promise<Figure[]> {
  progress(`at rest for ${restMs / 1_000} s`);
  const phase = watchPhase(site, pid);
  await sleep(restMs, undefined, { signal });
  const { seconds, calls, requests, cpuSeconds, rssMiB } = await phase.end();
  const writes = requests && writesOf(requests);
  return [
    held("at rest: cloud calls a minute", (60 * sum(calls)) / seconds, { unit: "", digits: 1, atMost: 2 }),
    writes === undefined
      ? { what: "  API writes but the Lease", measured: "no audit log" }
      : held("  API writes but the Lease", sum(writes), { unit: [...writes.keys()].join(", "), atMost: 0 }),
    figure("  memory", rssMiB, { unit: "MiB" }),
    held("  share of a core", (100 * cpuSeconds) / seconds, { unit: "%", digits: 1, atMost: 5 }),
  ];
}
