/** A history for a terminal: who did what to whom, in virtual time. */
import type { Moment } from "../world/timeline.ts";

/** @param everything also the everyday traffic, not only faults, people, VMs and what was broken. */
export function timelineText(moments: readonly Moment[], { everything }: { everything: boolean }): string {
  const shown = moments.filter(({ weight }) => everything || weight !== "traffic");
  const width = Math.max(0, ...shown.map(({ actor }) => actor.length));
  return shown
    .map(({ atMs, actor, what, weight }) => `${seconds(atMs)}  ${MARKS[weight]} ${actor.padEnd(width)}  ${what}\n`)
    .join("");
}

const MARKS: Readonly<Record<Moment["weight"], string>> = { traffic: " ", event: "·", fault: "⚡", violation: "✗" };

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`.padStart(12);
