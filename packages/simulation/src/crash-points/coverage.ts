/** Of all await points, those at which a process died in some world, and those at which none did. */
import type { AwaitPoint } from "./await-points.ts";

export type Coverage = {
  readonly covered: readonly AwaitPoint[];
  readonly missed: readonly AwaitPoint[];
  /** Those that wait for nothing outside, with the reason. */
  readonly exempt: readonly { point: AwaitPoint; reason: string }[];
};

/** Awaits that touch nothing outside themselves, or nothing that a world has, by file and text. */
export const EXEMPT: readonly { file: RegExp; text: RegExp; reason: string }[] = [
  { file: /serving-request\.ts$/, text: /^await (import|request\.verify)/, reason: "parses what is there already" },
  { file: /\/(controller|orphan-collector.*)\.ts$/, text: /^await import\(/, reason: "loads code" },
];

export function coverageOf(points: readonly AwaitPoint[], crashedAt: Iterable<string>): Coverage {
  const sites = [...crashedAt];
  const exempt: { point: AwaitPoint; reason: string }[] = [];
  const covered: AwaitPoint[] = [];
  const missed: AwaitPoint[] = [];
  for (const point of points) {
    const rule = EXEMPT.find(({ file, text }) => file.test(point.file) && text.test(point.text));
    if (sites.some((site) => point.covers(site))) covered.push(point);
    else if (rule !== undefined) exempt.push({ point, reason: rule.reason });
    else missed.push(point);
  }
  return { covered, missed, exempt };
}
