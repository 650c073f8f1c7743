/** What a part of a bench took: time, requests to the API server, calls to the cloud, CPU and memory of the controller. */
import { setTimeout as sleep } from "node:timers/promises";
import { type MachineUsage, watchMachine } from "../machine-usage.ts";
import { usageOf } from "../process-usage.ts";
import type { FleetSite } from "./site.ts";

export type Phase = {
  seconds: number;
  /** Verb and resource → how often; undefined where the API server keeps no audit log. */
  requests: ReadonlyMap<string, number> | undefined;
  calls: ReadonlyMap<string, number>;
  cpuSeconds: number;
  rssMiB: number;
  peakRssMiB: number;
  /** Of the whole machine. */
  usage: MachineUsage;
};

/** Events and the counts of sets and deployments are written a little after the last Machine is there. */
const AFTERMATH_MS = 5_000;
/** What only asks: a review of one's own permissions is created, and stored nowhere. */
const READS = /^(get|list|watch) |^create selfsubject\w+reviews$/;

export function watchPhase(
  site: FleetSite,
  pid: number,
): {
  /** Requests and calls of the seconds after count too. */
  end(): Promise<Phase>;
} {
  const startedAt = performance.now();
  const before = usageOf(pid);
  const machine = watchMachine();
  const requests = site.countRequests();
  const callsBefore = site.cloud.calls();
  return {
    async end() {
      const seconds = (performance.now() - startedAt) / 1_000;
      const { cpuSeconds, rssMiB, peakRssMiB } = usageOf(pid);
      const usage = machine();
      await sleep(AFTERMATH_MS);
      return {
        seconds,
        cpuSeconds: cpuSeconds - before.cpuSeconds,
        rssMiB,
        peakRssMiB,
        usage,
        requests: requests?.(),
        calls: difference(await site.cloud.calls(), await callsBefore),
      };
    },
  };
}

export const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0);

export const writesOf = (requests: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...requests].filter(([what]) => !READS.test(what)));

function difference(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Map<string, number> {
  const entries = [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return new Map(entries.filter(([, count]) => count > 0));
}
