/** A recorded instance: bring its Node to the Machine, and notice when the instance is lost. */
import type { InstanceRecord } from "@machine-controller/api";
import { ANNOTATION_CONFIRM_GONE } from "@machine-controller/api/well-known";
import { confirmedGone, intentPatch } from "./decide-creation.ts";
import { type Decision, wait } from "./decision.ts";
import { nodePatch } from "./node-metadata.ts";
import { isNodeReady } from "./node-match.ts";
import type { Snapshot } from "./snapshot.ts";
import { liveStatus, lostStatus } from "./status.ts";

/** A list that misses more than one recorded instance and more than this share of them stops replacement. */
export const BRAKE_SHARE = 0.3;
const FIRST_POLL_MS = 1_500;
const SLOWEST_POLL_MS = 60_000;

export function decideLife(snapshot: Snapshot): Decision {
  const { record, node, knowledge, options } = snapshot;
  if (record === undefined) throw new Error("decideLife needs a recorded instance");
  if (record.provider !== snapshot.provider.name) {
    return wait(
      `the instance is one of ${record.provider} and the spec now says ${snapshot.provider.name}; put it back`,
    );
  }
  if (node !== undefined) {
    const patch = nodePatch(snapshot, node);
    if (patch !== undefined) {
      return { kind: "patch-node", node, patch, why: "the Node lacks what the Machine says of it" };
    }
  }
  const status = liveStatus(snapshot);
  if (status !== undefined) return { kind: "patch-machine", patch: status, why: "the status says otherwise" };
  if (node !== undefined && isNodeReady(node)) return wait("the Node is Ready");

  const joinTimeout = decideJoinTimeout(snapshot, record);
  if (joinTimeout?.kind === "delete-machine") return joinTimeout;
  if (knowledge.account === undefined) return { kind: "identify", why: "the cloud is asked about the instance" };
  const lost = decideLoss(snapshot, record);
  // A cloud-controller-manager deletes the Node of a lost instance; only then is there room for a new one.
  if (lost !== undefined && node !== undefined && options.externalCloudProvider) {
    return wait(
      `instance ${record.id} is gone; the cloud-controller-manager will delete its Node ${node.metadata.name}`,
    );
  }
  const poll = lost ?? decidePoll(snapshot, record);
  if (poll.kind !== "wait" || joinTimeout?.kind !== "wait") return poll;
  return { ...poll, untilMs: Math.min(poll.untilMs ?? Infinity, joinTimeout.untilMs ?? Infinity) };
}

/** Machines that never joined are given up only where a MachineSet makes new ones. */
function decideJoinTimeout(snapshot: Snapshot, record: InstanceRecord): Decision | undefined {
  const { options, machine, machineSet, nowMs, node } = snapshot;
  if (options.joinClusterTimeoutMs === undefined || machineSet === undefined) return undefined;
  if (node !== undefined || machine.status?.nodeRef !== undefined) return undefined;
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
  const { knowledge, provider, nowMs, machine } = snapshot;
  const { absent, unlistedAt, account = "" } = knowledge;
  if (absent === undefined && unlistedAt === undefined) return undefined;
  if (!confirmedGone(machine, record.id)) {
    const apartAt = (absent?.firstAt ?? nowMs) + provider.idempotency.consistencyMs;
    if (absent === undefined || absent.lastAt < apartAt) {
      if (absent !== undefined && nowMs < apartAt) return wait("absence is confirmed by a second read", apartAt);
      return { kind: "look-up", how: "direct", startedAfterMs: nowMs, why: "the list does not show the instance" };
    }
    const doubt = doubtOf(snapshot, { record, account });
    if (doubt !== undefined) {
      const patch = lostStatus(snapshot, doubt);
      if (patch !== undefined) return { kind: "patch-machine", patch, why: "the doubt is shown" };
      const retryAt = absent.lastAt + SLOWEST_POLL_MS;
      if (nowMs >= retryAt) return { kind: "look-up", how: "list", startedAfterMs: nowMs - 1_000, why: doubt };
      return wait(doubt, retryAt);
    }
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
  const fleet = snapshot.fleet();
  const remedy = `to confirm, set the annotation ${ANNOTATION_CONFIRM_GONE}=${record.id}`;
  if (account !== record.account && !fleet.showsSibling) {
    return `the credential changed since instance ${record.id} was created and shows none of our instances; ${remedy}`;
  }
  if (fleet.missing > 1 && fleet.missing > fleet.recorded * BRAKE_SHARE) {
    return `${fleet.missing} of ${fleet.recorded} instances of this account are missing at once, so nothing is replaced; ${remedy}`;
  }
  return undefined;
}
