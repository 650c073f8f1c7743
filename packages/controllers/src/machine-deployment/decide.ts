/** The next step of a MachineDeployment. Pure: the same snapshot gives the same decision. */
import type { MachineSet } from "@machine-controller/api";
import { ANNOTATION_REVISION, FINALIZER_FOREGROUND } from "@machine-controller/api/well-known";
import { nextAvailableAt } from "../machine-set/members.ts";
import { revisionOf } from "../machine-set/snapshot.ts";
import { statusDueAt } from "../status-pace.ts";
import { deadlineAt } from "./conditions.ts";
import { isComplete } from "./counts.ts";
import type { Decision } from "./decision.ts";
import { decideReplicas, mayCreateNewSet } from "./decide-replicas.ts";
import { decideRollback } from "./decide-rollback.ts";
import { machineSetFrom } from "./new-set.ts";
import { nextRevision } from "./revision.ts";
import { isPaused, type Snapshot } from "./snapshot.ts";
import { statusPatch } from "./status.ts";

export function decide(snapshot: Snapshot): Decision {
  if (snapshot.deployment.metadata.deletionTimestamp !== undefined) {
    return { kind: "wait", why: "it is being deleted, and the garbage collector deletes its MachineSets" };
  }
  return (
    decideAwaited(snapshot) ??
    decideRollback(snapshot) ??
    decideClaims(snapshot) ??
    decideForm(snapshot) ??
    decideNewSet(snapshot) ??
    decideReplicas(snapshot) ??
    decideHistory(snapshot) ??
    decideStatus(snapshot)
  );
}

/** A decision that does not see its new MachineSet would be to create it again. */
function decideAwaited({ awaitedSet, nowMs, staleSinceMs }: Snapshot): Decision | undefined {
  if (awaitedSet === undefined) return undefined;
  const { set, leftMs } = awaitedSet;
  const why = `MachineSet ${set.metadata.name} was created and does not show`;
  if (leftMs <= 0) return { kind: "settle-set", set, why };
  return { kind: "wait", untilMs: nowMs + leftMs, ...(staleSinceMs !== undefined && { owesStatus: true }), why };
}

function decideClaims({ claims, passedOver }: Snapshot): Decision | undefined {
  const isOpen = ({ metadata }: { metadata: { uid?: string } }): boolean => !passedOver.has(metadata.uid ?? "");
  const stray = claims.strays.find(isOpen);
  if (stray) return { kind: "release", set: stray, why: "the selector does not select it any more" };
  const orphan = claims.orphans.find(isOpen);
  return orphan && { kind: "adopt", set: orphan, why: "the selector selects it and nobody controls it" };
}

/** The finalizer that keeps it until its MachineSets are gone, a number to scale, and its revision. */
function decideForm(snapshot: Snapshot): Decision | undefined {
  const { metadata, spec } = snapshot.deployment;
  const { finalizers = [] } = metadata;
  const lacksFinalizer = !finalizers.includes(FINALIZER_FOREGROUND);
  const revision = revisionToBe(snapshot);
  const lacksRevision = revision !== undefined && metadata.annotations?.[ANNOTATION_REVISION] !== String(revision);
  const changes = {
    ...(lacksFinalizer && { finalizers: [...finalizers, FINALIZER_FOREGROUND] }),
    ...(lacksRevision && { annotations: { [ANNOTATION_REVISION]: String(revision) } }),
  };
  if (Object.keys(changes).length === 0 && spec.replicas != null) return undefined;
  return {
    kind: "patch-deployment",
    why: "it lacks its finalizer, its revision or its default number of replicas",
    patch: { metadata: changes, ...(spec.replicas == null && { spec: { replicas: 1 } }) },
  };
}

/** That of its current MachineSet, made or about to be made. */
function revisionToBe(snapshot: Snapshot): number | undefined {
  const next = nextRevision(snapshot.oldSets.map(({ set }) => set));
  if (snapshot.newSet !== undefined) return Math.max(next, revisionOf(snapshot.newSet.set));
  return isPaused(snapshot) || !mayCreateNewSet(snapshot) ? undefined : next;
}

function decideNewSet(snapshot: Snapshot): Decision | undefined {
  const { deployment, limits, newSet, oldSets, failure } = snapshot;
  if (newSet !== undefined || isPaused(snapshot) || failure !== undefined) return undefined;
  if (!mayCreateNewSet(snapshot)) return undefined;
  const revision = nextRevision(oldSets.map(({ set }) => set));
  const set = machineSetFrom(deployment, { limits, revision });
  // It is told of when it is scaled.
  return { kind: "create-set", set, why: "no MachineSet has the current template" };
}

function decideHistory(snapshot: Snapshot): Decision | undefined {
  const { passedOver } = snapshot;
  if (isPaused(snapshot) || !isComplete(snapshot)) return undefined;
  const set = surplusHistory(snapshot).find(({ metadata }) => !passedOver.has(metadata.uid ?? ""));
  return (
    set && { kind: "delete-set", set, why: "the history keeps no more empty MachineSets than revisionHistoryLimit" }
  );
}

/** MachineSets of old revisions that may go: empty, and more than the history keeps. */
function surplusHistory({ deployment, oldSets }: Snapshot): MachineSet[] {
  const surplus = Math.max(0, oldSets.length - Math.max(0, deployment.spec.revisionHistoryLimit ?? 1));
  return oldSets
    .slice(0, surplus)
    .filter(({ size, leaving }) => size.replicas === 0 && size.existing === 0 && leaving.length === 0)
    .map(({ set }) => set);
}

function decideStatus(snapshot: Snapshot): Decision {
  const { nowMs, staleSinceMs } = snapshot;
  const wanted = statusPatch(snapshot);
  const dueAtMs = statusDueAt(staleSinceMs, nowMs);
  if (wanted !== undefined && dueAtMs <= nowMs) {
    return { kind: "patch-status", why: "the status says otherwise", ...wanted };
  }
  const members = snapshot.sets.flatMap((view) => view.members);
  const untilMs = Math.min(
    wanted === undefined ? Infinity : dueAtMs,
    nextAvailableAt(members, nowMs) ?? Infinity,
    deadlineAt(snapshot) ?? Infinity,
  );
  return {
    kind: "wait",
    why: isPaused(snapshot) ? "it is paused" : isComplete(snapshot) ? "it is complete" : "Machines are on their way",
    ...(untilMs !== Infinity && { untilMs }),
    ...(wanted !== undefined && { owesStatus: true }),
  };
}
