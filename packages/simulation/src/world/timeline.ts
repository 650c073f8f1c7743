/** What happened in a world, in order: who did what to whom, in virtual time. Its hash is the identity of the history. */
import { createHash } from "node:crypto";
import { START_MS } from "./scheduler.ts";

export type Moment = {
  /** Milliseconds since the world began. */
  readonly atMs: number;
  /** Who: `user`, `controller-1`, `vm`, `cloud`, `network`, `invariant`. */
  readonly actor: string;
  readonly what: string;
  /** A fault, a user's action or a violation, as opposed to everyday traffic. */
  readonly weight: "traffic" | "event" | "fault" | "violation";
};

export type Timeline = {
  add(actor: string, what: string, weight?: Moment["weight"]): void;
  readonly moments: readonly Moment[];
  /** Hexadecimal SHA-256 of all moments. */
  hash(): string;
};

export function createTimeline(clock: { now(): number }, onMoment?: (moment: Moment) => void): Timeline {
  const moments: Moment[] = [];
  return {
    moments,
    add(actor, what, weight = "traffic") {
      const moment = { atMs: clock.now() - START_MS, actor, what, weight };
      moments.push(moment);
      onMoment?.(moment);
    },
    hash() {
      const digest = createHash("sha256");
      for (const { atMs, actor, what } of moments) digest.update(`${atMs} ${actor} ${what}\n`);
      return digest.digest("hex");
    },
  };
}
