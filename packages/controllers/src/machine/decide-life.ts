/** A recorded instance: bring its Node to the Machine, and notice when the instance is lost. */
import type { InstanceRecord } from "@machine-controller/api";
import { ANNOTATION_CONFIRM_GONE } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { confirmedGone, intentPatch, recordInstance } from "./decide-creation.ts";
import { type Decision, type EventToEmit, type MergePatch, wait } from "./decision.ts";
import { brakeOf, holdBack, mismatchOf } from "./doubt.ts";
import { nodePatch, syncedPatch } from "./node-metadata.ts";
import { isNodeReady } from "./node-match.ts";
import { pendingRefusal } from "./node-refusal.ts";
import { pendingFailure, requestsSettledAt, type Snapshot } from "./snapshot.ts";
import { conditionOf, NODE_LOST } from "./status-patch.ts";
import { creatingStatus, JOIN_TIMEOUT, liveStatus } from "./status.ts";

const FIRST_POLL_MS = 1_500;
const SLOWEST_POLL_MS = 60_000;
const SHUTDOWN_RECHECK_MS = 10_000;
/** Set by a cloud-controller-manager on the Node of an instance that does not run. */
const TAINT_SHUTDOWN = "node.cloudprovider.kubernetes.io/shutdown";

export function decideLife(snapshot: Snapshot): Decision {
  const { record, node, machine, machineSet, nowMs } = snapshot;
  if (record === undefined) throw new Error("decideLife needs a recorded instance");
  const mismatch = mismatchOf(snapshot);
  if (mismatch !== undefined) return holdBack(snapshot, mismatch);
  const { present, account, isDisplaced } = snapshot.knowledge;
  const isHeir = present !== undefined && present.instance.id !== record.id && present.at > Date.parse(record.at);
  if (account !== undefined && isHeir) return recordInstance(snapshot, { account, instance: present.instance });
  const refusal = pendingRefusal(snapshot);
  if (node !== undefined) {
    const patch = nodePatch(snapshot, node, refusal);
    if (patch !== undefined) {
      const event = machine.status?.nodeRef?.uid === node.metadata.uid && updatedEvent(node, patch);
      const why = "the Node lacks what the Machine says of it";
      return { kind: "patch-node", node, patch, why, ...(event && { event }) };
    }
  }
  const metadata = node && syncedPatch(snapshot.machine, node, refusal);
  const joinAt = joinDeadline(snapshot, record);
  const overdue = joinAt <= nowMs ? overdueMessage(snapshot, record) : undefined;
  const status = liveStatus(snapshot, overdue);
  if (status !== undefined || metadata !== undefined) {
    const patch = { ...status, ...(metadata && { metadata }) };
    const event = overdue !== undefined && machine.status?.errorReason !== JOIN_TIMEOUT && joinEvent(overdue);
    return { kind: "patch-machine", patch, why: "the Machine says otherwise", ...(event && { event }) };
  }
  if (node !== undefined && isNodeReady(node) && !isDisplaced) return wait("the Node is Ready", refusal?.retryAtMs);
  // Only a MachineSet makes a new one.
  if (overdue !== undefined && machineSet !== undefined) {
    return {
      kind: "delete-machine",
      why: overdue,
      event: { type: "Normal", reason: "MachineReplaced", message: overdue },
    };
  }
  const next = decideShutdown(snapshot) ?? decideInstance(snapshot, record);
  const againAt = Math.min(overdue === undefined ? joinAt : Infinity, refusal?.retryAtMs ?? Infinity);
  if (next.kind !== "wait" || againAt === Infinity) return next;
  return { ...next, untilMs: Math.min(next.untilMs ?? Infinity, againAt) };
}

/** Of what the Node is given later on; that it gets everything when it joins is no news. */
function updatedEvent({ metadata }: Node, { metadata: changed, spec }: MergePatch): EventToEmit {
  const keys = Object.entries(changed ?? {}).map(
    ([part, values]) => `${part} ${Object.keys(values as object).join(", ")}`,
  );
  const message = `Updated Node ${metadata.name}: ${[...keys, ...Object.keys(spec ?? {})].join("; ")}`;
  return { type: "Normal", reason: "LabelsAnnotationsTaintsUpdated", message };
}

/** What the cloud is asked next while the Node is not Ready. */
function decideInstance(snapshot: Snapshot, record: InstanceRecord): Decision {
  const failure = pendingFailure(snapshot);
  if (failure !== undefined) return wait(`retried after: ${failure.error.message}`, failure.retryAtMs);
  if (snapshot.knowledge.account === undefined)
    return { kind: "identify", why: "the cloud is asked about the instance" };
  return decideLoss(snapshot, record) ?? decidePoll(snapshot, record);
}

/** Counted from the record of the instance, or from when its Node was lost; Infinity: a Node is there, or may take forever. */
function joinDeadline({ options, machine, node, nowMs }: Snapshot, record: InstanceRecord): number {
  const { joinClusterTimeoutMs = Infinity } = options;
  if (node !== undefined) return Infinity;
  const { status } = machine;
  const shown = conditionOf(machine, "NodeReady");
  const hadNode = status?.nodeRef?.name ?? status?.versions?.kubelet;
  const lostAt = shown?.reason === NODE_LOST ? Date.parse(shown.lastTransitionTime ?? "") || nowMs : nowMs;
  return (hadNode ? lostAt : Date.parse(record.at)) + joinClusterTimeoutMs;
}

function overdueMessage({ options, machine, machineSet }: Snapshot, { id }: InstanceRecord): string {
  const since = machine.status?.versions?.kubelet ? "again after its Node was lost" : "after it was created";
  const timeout = `${(options.joinClusterTimeoutMs ?? 0) / 1_000} s`;
  const consequence = machineSet
    ? "the Machine is replaced"
    : "the Machine stays, since no MachineSet would replace it";
  return `Instance ${id} did not join the cluster within ${timeout} ${since}; ${consequence}`;
}

const joinEvent = (message: string): EventToEmit => ({ type: "Warning", reason: JOIN_TIMEOUT, message });

/**
 * A KubeVirt instance that was shut down does not come back: it is deleted, and once the cloud-controller-manager has
 * removed its Node the same Machine gets another. undefined: it was not, or is gone.
 */
function decideShutdown({ provider, options, node, knowledge, nowMs }: Snapshot): Decision | undefined {
  if (provider.name !== "kubevirt" || !options.externalCloudProvider || knowledge.absent !== undefined)
    return undefined;
  if (!node?.spec?.taints?.some(({ key, effect }) => key === TAINT_SHUTDOWN && effect === "NoSchedule"))
    return undefined;
  const recheckAt = (knowledge.deletion?.lastAt ?? -Infinity) + SHUTDOWN_RECHECK_MS;
  if (nowMs < recheckAt) return wait("the instance was shut down and is being deleted", recheckAt);
  return { kind: "delete-instance", why: "the instance was shut down, and the Machine gets another" };
}

/** Asks the shared list again, ever more rarely while nothing changes. */
function decidePoll(snapshot: Snapshot, record: InstanceRecord): Decision {
  const { knowledge, nowMs } = snapshot;
  const lastReadAt = Math.max(knowledge.present?.at ?? -1, knowledge.absent?.lastAt ?? -1);
  const sinceMs = Math.max(0, nowMs - Date.parse(record.at));
  const interval = Math.min(SLOWEST_POLL_MS, Math.max(FIRST_POLL_MS, sinceMs / 2));
  if (nowMs < lastReadAt + interval) return wait("the Node has not joined or is not Ready", lastReadAt + interval);
  return {
    kind: "look-up",
    how: "list",
    startedAfterMs: Math.max(lastReadAt, nowMs - interval / 2),
    why: "the Node has not joined or is not Ready, so the instance may have changed",
  };
}

/**
 * What a list that lacks the instance leads to: direct reads, and only if two of them, the cloud's consistency window
 * apart and under the same account, confirm absence, a new attempt. undefined: no sign of loss.
 */
function decideLoss(snapshot: Snapshot, record: InstanceRecord): Decision | undefined {
  const { knowledge, provider, nowMs, machine, node, options } = snapshot;
  const { absent, unlistedAt = -1, account = "", isDisplaced } = knowledge;
  if (absent === undefined && knowledge.unlistedAt === undefined) return undefined;
  const lookAgain = (why: string): Decision => ({ kind: "look-up", how: "direct", startedAfterMs: nowMs, why });
  const isConfirmed = confirmedGone(machine, record.id);
  if (!isConfirmed) {
    if (absent === undefined) return lookAgain("the list does not show the instance");
    const apartAt = absent.firstAt + provider.idempotency.consistencyMs;
    if (absent.lastAt < apartAt && nowMs < apartAt) return wait("absence is confirmed by a second read", apartAt);
    if (absent.lastAt < apartAt) return lookAgain("absence is confirmed by a second read");
  }
  // A cloud-controller-manager deletes the Node of a lost instance; only then is there room for a new one.
  const doubt =
    node !== undefined && options.externalCloudProvider && !isDisplaced
      ? `instance ${record.id} is gone; the cloud-controller-manager will delete its Node ${node.metadata.name}`
      : isConfirmed
        ? undefined
        : doubtOf(snapshot, { record, account });
  if (doubt !== undefined) {
    // The list of a second ago will do: a whole fleet asks at once.
    const decision = { kind: "look-up", how: "list", startedAfterMs: nowMs - 1_000, why: doubt } as const;
    return holdBack(snapshot, doubt, { lookedAtMs: Math.max(absent?.lastAt ?? -1, unlistedAt), decision });
  }
  if (!isConfirmed && (absent?.lastAt ?? -1) < (snapshot.fleet().listedAtMs ?? 0)) {
    return lookAgain("a newer list may show what was absent before");
  }
  if (isDisplaced) {
    const why = `instance ${record.id} is gone, and another one bears the Machine's mark`;
    return { kind: "look-up", how: "list", startedAfterMs: absent?.lastAt ?? unlistedAt, seeksHeir: true, why };
  }
  const settledAt = requestsSettledAt(snapshot);
  if (nowMs < settledAt) return wait("an earlier request may still make another", settledAt);
  if (unlistedAt < settledAt) {
    return {
      kind: "look-up",
      how: "list",
      startedAfterMs: settledAt - 1,
      why: "an earlier request had time to make another",
    };
  }
  const message = `Instance ${record.id} is gone; a new one is created`;
  const patch = intentPatch(snapshot, { attempt: record.attempt + 1, account });
  return {
    kind: "patch-machine",
    why: message,
    intends: true,
    patch: { ...patch, ...creatingStatus(snapshot) },
    event: { type: "Warning", reason: "InstanceLost", message },
  };
}

/** Why confirmed absence is not believed; undefined when it is. */
function doubtOf(
  snapshot: Snapshot,
  { record, account }: { record: InstanceRecord; account: string },
): string | undefined {
  const remedy = `to confirm, set the annotation ${ANNOTATION_CONFIRM_GONE}=${record.id}`;
  if (account !== record.account && !snapshot.fleet().showsSibling) {
    return `the credential changed since instance ${record.id} was created and shows none of our instances; ${remedy}`;
  }
  const brake = brakeOf(snapshot);
  return brake && `${brake}; ${remedy}`;
}
