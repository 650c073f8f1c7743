/**
 * How long after a Machine object exists its cloud is asked to create, on a cloud that takes its time, beside another
 * credential whose cloud never answers: first one by one while others are queued, then all at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { machines } from "@machine-controller/controllers";
import { type Bench, type Figure, figure, held, percentile } from "../bench.ts";
import { measureWrites } from "../writes.ts";
import { machineOf } from "./manifests.ts";
import { type FleetSite, openFleetSite, TOKEN } from "./site.ts";

const DEAD = "dead-token";
const CLOUD_DELAY_MS = 100;
/** Enough to take every worker that a dead credential can take. */
const DEAD_MACHINES = 100;
const PROBES = 100;
const PROBE_EVERY_MS = 50;
const PATIENCE_MS = 60_000;
const CREATORS = 16;
/** Machine, bootstrap token and intent come before the call, the record of the instance after it. */
const WRITES_EACH = 4;
/** Of the controller, one after the other: bootstrap token and intent. */
const WRITES_BEFORE = 2;

export const createLatency: Bench = {
  name: "create-latency",
  about: "Machine object → cloud create call, with others queued, a slow cloud, and a dead credential beside it",
  machines: 1_000,
  async run(settings) {
    const { machines: queued, signal, progress } = settings;
    const probes = Math.min(PROBES, queued);
    const cloud = { tokens: [TOKEN, DEAD], deadTokens: [DEAD], delayMs: CLOUD_DELAY_MS, joins: false };
    const site = await openFleetSite(settings, cloud);
    try {
      progress("measuring the API server's write rate");
      const rates = await measureWrites(site.client, [1, CREATORS]);
      const [ofOne = Number.NaN, writesPerSecond = Number.NaN] = [1, CREATORS].map((count) => rates.get(count));
      const controller = await site.startController();
      // The first Machine also looks up images and the like, which the others share.
      await measure(site, ["first"], { signal });

      progress(`${queued} Machines at once`);
      const burst = await measure(site, names("queued", queued), { signal });
      progress(`${probes} more one by one, while ${queued} wait for their Nodes`);
      const alone = await measure(site, names("alone", probes), { everyMs: PROBE_EVERY_MS, signal });
      progress(`${probes} more beside ${DEAD_MACHINES} Machines whose cloud never answers`);
      await createMachines(site, names("dead", DEAD_MACHINES), { token: DEAD, signal });
      const beside = await measure(site, names("beside", probes), { everyMs: PROBE_EVERY_MS, signal });
      await controller.stop();
      const bound = (1_000 * queued * WRITES_EACH) / writesPerSecond;
      return [
        ...latency(`${queued} waiting`, alone, true),
        figure(`  two writes of a client that is alone`, (1_000 * WRITES_BEFORE) / ofOne, { unit: "ms" }),
        ...latency(`${queued} waiting, beside a dead credential`, beside, true),
        ...latency(`${queued} at once`, burst, false),
        figure(`  what ${writesPerSecond.toFixed(0)} writes/s allow the last of them`, bound, { unit: "ms" }),
      ];
    } finally {
      await site.close();
    }
  },
};

const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${kind}-${n}`);

function latency(what: string, ms: readonly number[], isHeld: boolean): Figure[] {
  const [p50, p99] = [percentile(ms, 0.5), percentile(ms, 0.99)];
  if (!isHeld) return [figure(`${what}: p50`, p50, { unit: "ms" }), figure("  p99", p99, { unit: "ms" })];
  return [held(`${what}: p50`, p50, { unit: "ms", atMost: 30 }), held("  p99", p99, { unit: "ms", atMost: 200 })];
}

/** Milliseconds from the answer to a Machine's creation until the cloud is asked; Infinity where it never was. */
async function measure(
  site: FleetSite,
  wanted: readonly string[],
  { everyMs, signal }: { everyMs?: number; signal: AbortSignal },
): Promise<number[]> {
  const existsAt = await createMachines(site, wanted, { token: TOKEN, ...(everyMs && { everyMs }), signal });
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const { createdAt } = await site.cloud.report();
    const isDone = wanted.every((name) => createdAt[name] !== undefined);
    if (isDone || performance.now() > deadline) {
      return wanted.map((name) => Math.max(0, (createdAt[name] ?? Infinity) - (existsAt.get(name) ?? 0)));
    }
    await sleep(50, undefined, { signal });
  }
}

/** @returns when each existed, in epoch milliseconds. */
async function createMachines(
  { client }: FleetSite,
  wanted: readonly string[],
  { token, everyMs, signal }: { token: string; everyMs?: number; signal: AbortSignal },
): Promise<Map<string, number>> {
  const existsAt = new Map<string, number>();
  const left = [...wanted];
  const create = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      await client.create(machines, machineOf(name, token), { signal });
      existsAt.set(name, Date.now());
      if (everyMs !== undefined) await sleep(everyMs, undefined, { signal });
    }
  };
  await Promise.all(Array.from({ length: everyMs === undefined ? CREATORS : 1 }, create));
  return existsAt;
}
