/** Waiting for what somebody else has to do: shown in a condition, asked about ever more rarely, and only so long. */
import { type Decision, wait } from "./decision.ts";
import type { Snapshot } from "./snapshot.ts";
import { conditionOf } from "./status-patch.ts";
import { progressStatus } from "./status.ts";

export type Awaited = {
  /** The condition: False while waiting, with its transition time as the beginning. */
  type: string;
  timeoutMs: number;
  /** Reads so far: the first and the last. */
  looks: { firstAt: number; at: number };
  /** What is waited for; undefined: it came about. */
  missing:
    | {
        reason: string;
        told: (deadlineMs: number) => string;
        /** The event once it had its time. */
        timedOut: { reason: string; message: string };
      }
    | undefined;
  done: { reason: string };
  again: Decision;
};

const FIRST_RECHECK_MS = 1_000;
const RECHECK_MS = 10_000;

/** undefined: it came about, or had its time. */
export function decidePatience(snapshot: Snapshot, awaited: Awaited): Decision | undefined {
  const { machine, nowMs } = snapshot;
  const { type, missing, done, again } = awaited;
  const shown = conditionOf(machine, type);
  const deletedAt = Date.parse(machine.metadata.deletionTimestamp ?? "");
  const beganAt = shown?.status === "False" ? Date.parse(shown.lastTransitionTime ?? "") : Number.NaN;
  const isShown = beganAt >= deletedAt;
  if (missing === undefined) {
    if (!isShown || shown?.reason === TIMED_OUT) return undefined;
    const patch = progressStatus(snapshot, type, { status: "True", ...done, message: "" });
    return patch && { kind: "patch-machine", patch, why: "what was waited for came about" };
  }
  const deadlineMs = (isShown ? beganAt : nowMs) + awaited.timeoutMs;
  if (nowMs >= deadlineMs) {
    const { message } = missing.timedOut;
    const patch = progressStatus(snapshot, type, { status: "False", reason: TIMED_OUT, message });
    const event = { type: "Warning", ...missing.timedOut } as const;
    return patch && { kind: "patch-machine", patch, event, why: "what was waited for had its time" };
  }
  const progress = { status: "False", reason: missing.reason, message: missing.told(deadlineMs) } as const;
  const patch = progressStatus(snapshot, type, progress);
  if (patch !== undefined) return { kind: "patch-machine", patch, why: "what is waited for is shown" };
  const nextAt = Math.min(deadlineMs, awaited.looks.at + recheckMs(awaited.looks));
  return nowMs < nextAt ? wait(progress.message, nextAt) : again;
}

const TIMED_OUT = "TimedOut";

/** Asked ever more rarely while nothing changes. */
export const recheckMs = ({ firstAt, at }: { firstAt: number; at: number }): number =>
  Math.min(RECHECK_MS, Math.max(FIRST_RECHECK_MS, (at - firstAt) / 2));
