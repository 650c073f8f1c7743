export type Backoff = { baseMs: number; maxMs: number };

/** `base · 2ⁿ` for the nth failure (from 0), never above the maximum. */
export function backoffMs({ baseMs, maxMs }: Backoff, failures: number): number {
  return Math.min(maxMs, baseMs * 2 ** failures);
}

/** Spreads a delay over [½, 1] of itself, so that many clients do not come back at once. */
export function withJitter(ms: number, random: () => number): number {
  return ms * (0.5 + random() / 2);
}
