/** A recorded instance: bring its Node to the Machine, and notice when the instance is lost. */
import type { InstanceRecord } from "@machine-controller/api";
import { ANNOTATION_CONFIRM_GONE } from "@machine-controller/api/well-known";
import { confirmedGone, intentPatch } from "./decide-creation.ts";
import { type Decision, wait } from "./decision.ts";
import { brakeOf, holdBack, mismatchOf } from "./doubt.ts";
import { nodePatch, syncedPatch } from "./node-metadata.ts";
import { isNodeReady } from "./node-match.ts";
import { pendingFailure, type Snapshot } from "./snapshot.ts";
import { liveStatus } from "./status.ts";

const FIRST_POLL_MS = 1_500;
const SLOWEST_POLL_MS = 60_000;

export function decideLife(snapshot: Snapshot): Decision {
  const { record, node } = snapshot;
  if (record === undefined) throw new Error("decideLife needs a recorded instance");
  const mismatch = mismatchOf(snapshot);
  if (mismatch !== undefined) return holdBack(snapshot, mismatch);
  if (node !== undefined) {
    const patch = nodePatch(snapshot, node);
    if (patch !== undefined) {
      return { kind: "patch-node", node, patch, why: "the Node lacks what the Machine says of it" };
    }
  }
  const metadata = node && syncedPatch(snapshot.machine, node);
  const status = liveStatus(snapshot);
  if (status !== undefined || metadata !== undefined) {
    const patch = { ...status, ...(metadata && { metadata }) };
    return { kind: "patch-machine", patch, why: "the Machine says otherwise" };
  }
  if (node !== undefined && isNodeReady(node)) return wait("the Node is Ready");

  const joinTimeout = decideJoinTimeout(snapshot, record);
  if (joinTimeout?.kind === "delete-machine") return joinTimeout;
  const next = decideInstance(snapshot, record);
  if (next.kind !== "wait" || joinTimeout?.kind !== "wait") return next;
  return { ...next, untilMs: Math.min(next.untilMs ?? Infinity, joinTimeout.untilMs ?? Infinity) };
}

/** What the cloud is asked next while the Node is not Ready. */
function decideInstance(snapshot: Snapshot, record: InstanceRecord): Decision {
  const failure = pendingFailure(snapshot);
  if (failure !== undefined) return wait(`retried after: ${failure.error.message}`, failure.retryAtMs);
  if (snapshot.knowledge.account === undefined)
    return { kind: "identify", why: "the cloud is asked about the instance" };
  return decideLoss(snapshot, record) ?? decidePoll(snapshot, record);
}

/**
 * Machines that never joined are given up, and only where a MachineSet makes new ones. One that has a kubelet version had
 * a Node before: somebody deleted that, which says nothing against the instance.
 */
function decideJoinTimeout(snapshot: Snapshot, record: InstanceRecord): Decision | undefined {
  const { options, machine, machineSet, nowMs, node } = snapshot;
  if (options.joinClusterTimeoutMs === undefined || machineSet === undefined) return undefined;
  if (node !== undefined || machine.status?.nodeRef || machine.status?.versions?.kubelet) return undefined;
  const deadlineMs = Date.parse(record.at) + options.joinClusterTimeoutMs;
  if (nowMs < deadlineMs) return wait("the Node has until the join timeout", deadlineMs);
  const message = `Instance ${record.id} did not join the cluster within ${options.joinClusterTimeoutMs / 1_000} s; the Machine is replaced`;
  return {
    kind: "delete-machine",
    why: message,
    event: { type: "Warning", reason: "JoinClusterTimeoutError", message },
  };
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
  const { absent, unlistedAt = -1, account = "" } = knowledge;
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
    node !== undefined && options.externalCloudProvider
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
  const message = `Instance ${record.id} is gone; a new one is created`;
  const patch = intentPatch(snapshot, { attempt: record.attempt + 1, account });
  return {
    kind: "patch-machine",
    why: message,
    intends: true,
    patch: { ...patch, status: { nodeRef: null, addresses: null, versions: null } },
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
