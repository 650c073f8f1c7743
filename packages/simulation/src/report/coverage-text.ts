/** Which awaits of controllers and providers a process died at, for a terminal. */
import type { Coverage } from "../crash-points/coverage.ts";

export function coverageText({ covered, missed, exempt }: Coverage): string {
  const all = covered.length + missed.length;
  return [
    `crashed at ${covered.length} of ${all} awaits that touch the outside (${exempt.length} more need none)`,
    ...missed.map(({ id, text }) => `  never at ${id}  ${text}`),
    "",
  ].join("\n");
}
