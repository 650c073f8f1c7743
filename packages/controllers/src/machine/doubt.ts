/** What a Machine does while nobody may act on what the cloud says: show why, and look again from time to time. */
import { ANNOTATION_CONFIRM_GONE } from "@machine-controller/api/well-known";
import { type Decision, wait } from "./decision.ts";
import { isNodeReady } from "./node-match.ts";
import type { Snapshot } from "./snapshot.ts";
import { deletingStatus, doubtStatus } from "./status.ts";

const DOUBT_RECHECK_MS = 60_000;

/** @param next what to do `DOUBT_RECHECK_MS` after the last look; without it, only a change of some object helps. */
export function holdBack(
  snapshot: Snapshot,
  doubt: string,
  next?: { lookedAtMs: number; decision: Decision },
): Decision {
  const deleting = snapshot.machine.metadata.deletionTimestamp !== undefined;
  const patch = deleting ? deletingStatus(snapshot, doubt) : doubtStatus(snapshot, doubt);
  if (patch !== undefined) return { kind: "patch-machine", patch, why: "the doubt is shown" };
  if (next === undefined) return wait(doubt);
  const retryAt = next.lookedAtMs + DOUBT_RECHECK_MS;
  return snapshot.nowMs < retryAt ? wait(doubt, retryAt) : next.decision;
}

/** A list that misses more than one recorded instance and more than this share of them is not believed. */
const BRAKE_SHARE = 0.3;

/** Why so much is missing at once that nothing is believed; undefined when it is not. */
export function brakeOf(snapshot: Snapshot): string | undefined {
  const { missing, recorded } = snapshot.fleet();
  if (missing <= 1 || missing <= recorded * BRAKE_SHARE) return undefined;
  return `${missing} of ${recorded} instances of this account are missing at once, so nothing is replaced, asked for again or given up`;
}

/**
 * Whether the absence of one instance is believed, by what a list that began at `sinceMs` or later shows of the others.
 * undefined: it is, and the read of `lookedAtMs` that did not find it is as new as the list.
 * @param id of the instance, or the token of the request for it, by which a person confirms.
 */
export function doubtByFleet(
  snapshot: Snapshot,
  { id, sinceMs, lookedAtMs, again }: { id: string; sinceMs: number; lookedAtMs: number; again: Decision },
): Decision | undefined {
  const { unlistedAt = -1 } = snapshot.knowledge;
  const look = {
    kind: "look-up",
    how: "list",
    startedAfterMs: sinceMs - 1,
    why: "the others may be missing too",
  } as const;
  if (unlistedAt < sinceMs) return look;
  const brake = brakeOf(snapshot);
  if (brake === undefined) return lookedAtMs < (snapshot.fleet().listedAtMs ?? 0) ? again : undefined;
  const doubt = `${brake}; to confirm, set the annotation ${ANNOTATION_CONFIRM_GONE}=${id}`;
  const decision = { ...look, startedAfterMs: snapshot.nowMs - 1_000 };
  return holdBack(snapshot, doubt, { lookedAtMs: Math.max(unlistedAt, lookedAtMs), decision });
}

/** Of an instance without a record, which the Go implementation made, nobody else knows: its Node speaks for it. */
export function doubtByNode(
  snapshot: Snapshot,
  { lookedAtMs, again }: { lookedAtMs: number; again: Decision },
): Decision | undefined {
  const { node, intent, record } = snapshot;
  if (intent !== undefined || record !== undefined || node === undefined || !isNodeReady(node)) return undefined;
  const doubt =
    `its Node ${node.metadata.name} is Ready, and the cloud shows no instance with the mark of this Machine: ` +
    `give the instance its mark back, or shut it down`;
  return holdBack(snapshot, doubt, { lookedAtMs, decision: again });
}

/** Why an instance is sought with a provider that never made it; undefined when it is not. */
export function mismatchOf({ record, intent, provider }: Snapshot): string | undefined {
  const made = (record ?? intent)?.provider ?? provider.name;
  return made === provider.name
    ? undefined
    : `the instance is one of ${made} and the spec now says ${provider.name}; put it back`;
}
