/** What is worth keeping of many worlds: one small value a world, and their sum. */
import { createHash } from "node:crypto";
import type { PointId } from "../crash-points/await-points.ts";
import type { Violation, WorldResult } from "../world/run-world.ts";

export type WorldSummary = {
  readonly seed: string;
  readonly cloud: string;
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** Faults and people's doings by name. */
  readonly strikes: Readonly<Record<string, number>>;
  /** Await points at which a controller died. */
  readonly crashedAt: readonly PointId[];
  readonly events: number;
  readonly virtualMs: number;
  readonly checks: number;
};

export function summarize(result: WorldResult, crashedAt: Iterable<PointId>): WorldSummary {
  const { seed, cloud, hash, violation, events, virtualMs, checks } = result;
  const strikes: Record<string, number> = {};
  for (const { name } of result.strikes) strikes[name] = (strikes[name] ?? 0) + 1;
  return { seed, cloud, hash, violation, strikes, crashedAt: [...crashedAt], events, virtualMs, checks };
}

export type Totals = {
  worlds: number;
  readonly worldsByCloud: Map<string, number>;
  readonly strikes: Map<string, number>;
  readonly crashedAt: Set<PointId>;
  readonly failures: WorldSummary[];
  /** Seed → hash of its history. */
  readonly histories: Map<string, string>;
  events: number;
  virtualMs: number;
  checks: number;
};

export const createTotals = (): Totals => ({
  worlds: 0,
  worldsByCloud: new Map(),
  strikes: new Map(),
  crashedAt: new Set(),
  failures: [],
  histories: new Map(),
  events: 0,
  virtualMs: 0,
  checks: 0,
});

export function addTo(totals: Totals, world: WorldSummary): void {
  totals.worlds += 1;
  totals.histories.set(`${world.seed} ${world.cloud}`, world.hash);
  totals.worldsByCloud.set(world.cloud, (totals.worldsByCloud.get(world.cloud) ?? 0) + 1);
  for (const [name, count] of Object.entries(world.strikes)) {
    totals.strikes.set(name, (totals.strikes.get(name) ?? 0) + count);
  }
  for (const site of world.crashedAt) totals.crashedAt.add(site);
  if (world.violation !== undefined) totals.failures.push(world);
  totals.events += world.events;
  totals.virtualMs += world.virtualMs;
  totals.checks += world.checks;
}

/** One hash of all histories, whatever order they came in: the same on every machine. */
export function digestOf({ histories }: Totals): string {
  const digest = createHash("sha256");
  for (const key of [...histories.keys()].toSorted()) digest.update(`${key} ${histories.get(key)}\n`);
  return digest.digest("hex").slice(0, 16);
}
