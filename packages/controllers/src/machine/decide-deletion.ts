/** Deletion: drain the Node, delete the instance until it is confirmed gone, delete the Node, let the Machine go. */
import type { Machine } from "@machine-controller/api";
import {
  ANNOTATION_ABANDON,
  ANNOTATION_INSTANCE,
  FINALIZER_INSTANCE,
  FINALIZER_NODE,
  FINALIZER_RED_HAT,
} from "@machine-controller/api/well-known";
import { type Decision, type MergePatch, wait } from "./decision.ts";
import { confirmedGone, recordInstance } from "./decide-creation.ts";
import { decideDrain } from "./decide-drain.ts";
import { decideUnregistration } from "./decide-unregistration.ts";
import { doubtByFleet, doubtByNode, holdBack, mismatchOf } from "./doubt.ts";
import { holdsInstance, isReadable, requestsSettledAt, type Snapshot } from "./snapshot.ts";
import { deletingStatus } from "./status.ts";

const OURS = [FINALIZER_INSTANCE, FINALIZER_NODE, FINALIZER_RED_HAT];
const FIRST_RECHECK_MS = 750;
const RECHECK_MS = 10_000;

export function decideDeletion(snapshot: Snapshot): Decision {
  const { machine, knowledge } = snapshot;
  if (knowledge.released) return wait("the last finalizer is gone");
  if (!OURS.some((finalizer) => machine.metadata.finalizers?.includes(finalizer)))
    return wait("none of our finalizers is on the Machine");
  const abandoned = machine.metadata.annotations?.[ANNOTATION_ABANDON] === "true";
  if (!abandoned) {
    const holds = holdsInstance(machine);
    const next =
      (holds ? decideDrain(snapshot) : undefined) ??
      decideUnregistration(snapshot) ??
      (holds ? decideInstance(snapshot) : undefined);
    if (next !== undefined) return next;
  }
  const node = decideNode(snapshot);
  if (node !== undefined) return node;
  // Another controller or a person owns the instance of an `external` Machine and takes this finalizer off.
  const kept = snapshot.provider.name === "external" && !abandoned ? [FINALIZER_INSTANCE] : [];
  return release(machine, { kept, why: abandoned ? "a person gave the instance up" : "instance and Node are gone" });
}

function decideNode({ ownedNodes, knowledge }: Snapshot): Decision | undefined {
  const node = ownedNodes.find(({ metadata }) => !knowledge.deletedNodes?.includes(metadata.uid ?? ""));
  return node && { kind: "delete-node", node, why: "its instance is gone" };
}

/** undefined: the instance is confirmed gone. */
function decideInstance(snapshot: Snapshot): Decision | undefined {
  const { knowledge, nowMs, record, intent } = snapshot;
  const { account, absent, deletion, present } = knowledge;
  const seen = wasSeenGoing(snapshot);
  const mismatch = mismatchOf(snapshot);
  if (mismatch !== undefined) return holdBack(snapshot, mismatch);
  if (account === undefined || !isReadable(snapshot))
    return { kind: "identify", why: "absence counts only for the account that was used" };
  // An ID finds what a mark may not show yet.
  if (intent !== undefined && present !== undefined && present.instance.id !== record?.id) {
    return recordInstance(snapshot, { account, instance: present.instance });
  }
  if (deletion === undefined) return { kind: "delete-instance", why: "the Machine is being deleted" };
  if (absent === undefined) {
    const interval = Math.min(RECHECK_MS, Math.max(FIRST_RECHECK_MS, (nowMs - deletion.firstAt) / 2));
    const recheckAt = deletion.lastAt + interval;
    if (nowMs < recheckAt) {
      const message = `The cloud is deleting instance ${record?.id ?? ""}.`;
      return waitFor(snapshot, { message, untilMs: recheckAt, takesMs: nowMs - deletion.firstAt });
    }
    return { kind: "delete-instance", why: "the cloud had time to delete the instance" };
  }
  const again: Decision = { kind: "delete-instance", why: "its Node may have left by now" };
  const doubtful =
    decideAccount(snapshot, absent.lastAt) ??
    (seen ? undefined : doubtByNode(snapshot, { lookedAtMs: absent.lastAt, again }));
  if (doubtful !== undefined) return doubtful;
  const believedAt = absenceBelievedAt(snapshot, absent.firstAt);
  if (absent.lastAt < believedAt) {
    if (nowMs < believedAt) return waitToBelieve(snapshot, believedAt);
    return { kind: "delete-instance", why: "absence is confirmed by a read that started late enough" };
  }
  return decideFleet(snapshot, { ...deletion, seen });
}

/** The cloud said, to this process or to an earlier one, that it is deleting the instance. */
const wasSeenGoing = ({ knowledge, record }: Snapshot): boolean =>
  record?.deletedAt !== undefined || (knowledge.deletion?.seen ?? false);

/**
 * A cloud that never said it was deleting the instance may be one that shows nothing at all; and one whose instance was
 * gone before all requests for it had settled may have made another since. A list tells both.
 */
function decideFleet(
  snapshot: Snapshot,
  { firstAt, lastAt, seen }: NonNullable<Snapshot["knowledge"]["deletion"]>,
): Decision | undefined {
  const { record, intent, knowledge, machine, nowMs } = snapshot;
  const settledAt = requestsSettledAt(snapshot);
  const wasAsked = record !== undefined || (intent !== undefined && settledAt > -Infinity);
  const id = record?.id ?? intent?.token ?? "";
  if (!wasAsked || confirmedGone(machine, id) || (seen && settledAt < firstAt)) return undefined;
  const listAt = Math.max(settledAt, firstAt);
  if (nowMs < listAt) return (seen ? decideNode(snapshot) : undefined) ?? waitToBelieve(snapshot, listAt);
  if (seen && (knowledge.unlistedAt ?? -1) >= listAt) return undefined;
  const again: Decision = { kind: "delete-instance", why: "a newer list may show what was absent before" };
  return doubtByFleet(snapshot, { id, sinceMs: listAt, lookedAtMs: lastAt, again });
}

/** What to do where absence was read with a credential of which nobody knows that it is of the same account. */
function decideAccount(snapshot: Snapshot, absentAt: number): Decision | undefined {
  const { machine, intent, record, knowledge } = snapshot;
  const recorded = (record ?? intent)?.account;
  if (recorded === undefined || knowledge.account === recorded) return undefined;
  // A person can only tell what there is once requests under the former credential have had their effect.
  const settledAt = requestsSettledAt(snapshot);
  if (snapshot.nowMs < settledAt) return waitToBelieve(snapshot, settledAt);
  if (confirmedGone(machine, record?.id ?? intent?.token ?? "")) return undefined;
  const { listedAtMs, showsSibling } = snapshot.fleet();
  if (showsSibling) return undefined;
  const doubt =
    `the credential changed since the instance was created and shows none of our instances: restore it, ` +
    `or set the annotation ${ANNOTATION_ABANDON}=true and remove the instance by hand`;
  if (listedAtMs === undefined) return { kind: "look-up", how: "list", startedAfterMs: -1, why: doubt };
  return holdBack(snapshot, doubt, { lookedAtMs: absentAt, decision: { kind: "delete-instance", why: doubt } });
}

/** When a read that finds nothing must have started to count as "gone". */
function absenceBelievedAt(snapshot: Snapshot, firstAt: number): number {
  const { machine, intent, record, provider } = snapshot;
  const apartAt = firstAt + provider.idempotency.consistencyMs;
  if (record !== undefined) return wasSeenGoing(snapshot) || confirmedGone(machine, record.id) ? -Infinity : apartAt;
  const settledAt = requestsSettledAt(snapshot);
  // The Go implementation keeps no record: the instance may have been seen before.
  return intent === undefined ? Math.max(settledAt, apartAt) : settledAt;
}

const WORTH_SHOWING_MS = 5_000;

function waitToBelieve(snapshot: Snapshot, untilMs: number): Decision {
  const message = `The instance is gone; until ${new Date(untilMs).toISOString()} an earlier request, or a copy of it, may still make another.`;
  return waitFor(snapshot, { message, untilMs, takesMs: untilMs - snapshot.nowMs });
}

/** A deletion that goes as usual costs no write. */
function waitFor(
  snapshot: Snapshot,
  { message, untilMs, takesMs }: { message: string; untilMs: number; takesMs: number },
): Decision {
  const shown = takesMs > WORTH_SHOWING_MS ? deletingStatus(snapshot, message) : undefined;
  if (shown === undefined) return wait(message, untilMs);
  return { kind: "patch-machine", patch: withDeletion(snapshot, shown), why: "what the deletion waits for is shown" };
}

/** A later process would find the instance gone, and could not tell that from a cloud that shows nothing. */
function withDeletion(snapshot: Snapshot, patch: MergePatch): MergePatch {
  const { record, nowMs } = snapshot;
  if (record === undefined || record.deletedAt !== undefined || !wasSeenGoing(snapshot)) return patch;
  const deleted = { ...record, deletedAt: new Date(nowMs).toISOString() };
  return { ...patch, metadata: { annotations: { [ANNOTATION_INSTANCE]: JSON.stringify(deleted) } } };
}

function release(machine: Machine, { kept, why }: { kept: readonly string[]; why: string }): Decision {
  const finalizers = (machine.metadata.finalizers ?? []).filter(
    (finalizer) => kept.includes(finalizer) || !OURS.includes(finalizer),
  );
  if (finalizers.length === machine.metadata.finalizers?.length) return wait("the remaining finalizers are not ours");
  return { kind: "patch-machine", why, patch: { metadata: { finalizers } } };
}
