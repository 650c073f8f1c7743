/** What many worlds came to, as a few lines for a terminal. */
import { readAwaitPoints } from "../crash-points/await-points.ts";
import { coverageOf } from "../crash-points/coverage.ts";
import { INVARIANTS } from "../invariants/registry.ts";
import { digestOf, type Totals } from "../run/summary.ts";
import { coverageText } from "./coverage-text.ts";

export function totalsText(totals: Totals, { elapsedMs }: { elapsedMs: number }): string {
  const { worlds, events, virtualMs, checks, strikes } = totals;
  const rate = worlds / (elapsedMs / 1_000);
  const clouds = [...totals.worldsByCloud]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([cloud, count]) => `${count} on ${cloud}`);
  const faults = [...strikes].toSorted(([, one], [, other]) => other - one);
  return [
    `${worlds} worlds (${clouds.join(", ")}) in ${(elapsedMs / 1_000).toFixed(0)} s, ${rate.toFixed(1)} a second`,
    `${(virtualMs / 3_600_000).toFixed(0)} hours of their time, ${events} events, ${checks} checks of ${INVARIANTS.length} promises`,
    `histories ${digestOf(totals)}: the same seeds of the same source give the same on every machine`,
    `${faults.reduce((sum, [, count]) => sum + count, 0)} faults and doings:`,
    ...faults.map(([name, count]) => `${String(count).padStart(9)}  ${name}`),
    coverageText(coverageOf(readAwaitPoints(), totals.crashedAt)),
  ].join("\n");
}
