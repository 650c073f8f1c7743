/** Of all await points, those at which a process died in some world, and those at which none did. */
import type { AwaitPoint, PointId } from "./await-points.ts";

export type Coverage = {
  readonly covered: readonly AwaitPoint[];
  readonly missed: readonly AwaitPoint[];
  /** Those of which no world need die, with the reason. */
  readonly exempt: readonly { point: AwaitPoint; reason: string }[];
};

/** Awaits of which no world need die, by text or by the function they are in. One that was covered needs no excuse. */
const EXEMPT: readonly { text?: RegExp; within?: RegExp; reason: string }[] = [
  {
    text: /^await (import\(|readRequest|request\.verify|parseServingRequest|judge)/,
    reason: "parses and verifies what is there already",
  },
  {
    within: /^(migrateUID|setServerLabels)$/,
    reason: "of the command `migrate` alone, whose own test dies at every write and cloud call",
  },
  { text: /^await response\.body\?\.cancel\(\)$/, reason: "throws away what is left of an answer" },
];

export function coverageOf(points: readonly AwaitPoint[], crashedAt: Iterable<PointId>): Coverage {
  const crashed = new Set(crashedAt);
  const exempt: { point: AwaitPoint; reason: string }[] = [];
  const covered: AwaitPoint[] = [];
  const missed: AwaitPoint[] = [];
  for (const point of points) {
    const rule = EXEMPT.find(({ text, within }) => text?.test(point.text) ?? within?.test(point.within));
    if (crashed.has(point.id)) covered.push(point);
    else if (rule !== undefined) exempt.push({ point, reason: rule.reason });
    else missed.push(point);
  }
  return { covered, missed, exempt };
}
