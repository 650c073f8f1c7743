/** What a Machine that is deleted waits for before its instance goes: pods that move away, then volumes that are detached. */
import { ANNOTATION_SKIP_EVICTION } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { type Decision, type EventToEmit, wait } from "./decision.ts";
import { decidePatience, recheckMs } from "./decide-patience.ts";
import { type Blocker, isHeldBack } from "./drain.ts";
import { type DrainRules, drainRulesOf } from "./drain-policy.ts";
import { isNodeReady } from "./node-match.ts";
import type { Snapshot } from "./snapshot.ts";
import { conditionOf } from "./status-patch.ts";
import { progressStatus } from "./status.ts";

/** Pods and volumes that a message names. */
const MOST_NAMED = 5;

/** undefined: nothing to wait for, or no longer. */
export function decideDrain(snapshot: Snapshot): Decision | undefined {
  const { node, nowMs, knowledge } = snapshot;
  const rules = drainRulesOf(snapshot);
  const deadlineMs = deletedAt(snapshot) + rules.drainTimeoutMs;
  const hindrance = hindranceOf(snapshot, rules, deadlineMs);
  if (hindrance !== undefined) return endDrain(snapshot, hindrance);
  if (node === undefined) return undefined;
  if (!node.spec?.unschedulable) {
    return { kind: "patch-node", node, patch: { spec: { unschedulable: true } }, why: "no new pod may come to it" };
  }
  const { drain } = knowledge;
  if (drain === undefined) return { kind: "drain", node, why: "its pods move before the instance goes" };
  if (drain.blockers.length === 0) {
    return (
      endDrain(snapshot, { reason: "Drained", message: "" }) ??
      decideVolumes(snapshot, { node, rules, since: drain.at })
    );
  }
  const isSlow = drain.at > drain.firstAt || drain.blockers.some(isHeldBack);
  const patch = isSlow
    ? progressStatus(snapshot, "Draining", blockedBy(snapshot, drain.blockers, { rules, deadlineMs }))
    : undefined;
  if (patch !== undefined) return { kind: "patch-machine", patch, why: "what the drain waits for is shown" };
  const nextAt = Math.min(deadlineMs, drain.at + recheckMs(drain));
  if (nowMs < nextAt) return wait("pods are being evicted", nextAt);
  return { kind: "drain", node, why: "pods were left on it" };
}

type Hindrance = { reason: string; message: string; event?: EventToEmit };

/** Why nothing is evicted; undefined: pods are. A Node that only looks like this Machine's keeps its pods. */
function hindranceOf(
  snapshot: Snapshot,
  { policy, drainTimeoutMs }: DrainRules,
  deadlineMs: number,
): Hindrance | undefined {
  const { node, ownedNodes, canEvict, nowMs, knowledge } = snapshot;
  if (node === undefined || !ownedNodes.includes(node)) return { reason: "NoNode", message: "" };
  if (policy === "Skip" || node.metadata.annotations?.[ANNOTATION_SKIP_EVICTION] !== undefined) {
    return { reason: "Skipped", message: "" };
  }
  if (!canEvict) return { reason: "NowhereToGo", message: "No other Node takes its pods." };
  if (!isNodeReady(node)) return { reason: "NodeNotReady", message: "Its kubelet ends no pod any more." };
  if (nowMs <= deadlineMs) return undefined;
  const left =
    knowledge.drain === undefined ? "" : `; left were ${named(knowledge.drain.blockers.map(({ pod }) => pod))}`;
  const message = `Pods had ${drainTimeoutMs / 1_000} s to move${left}`;
  return { reason: "TimedOut", message, event: { type: "Warning", reason: "DrainTimedOut", message } };
}

/** Only a drain that was shown is shown to end. */
function endDrain(snapshot: Snapshot, { reason, message, event }: Hindrance): Decision | undefined {
  if (conditionOf(snapshot.machine, "Draining")?.status !== "True") return undefined;
  const patch = progressStatus(snapshot, "Draining", { status: "False", reason, message });
  return patch && { kind: "patch-machine", patch, why: "the drain is over", ...(event && { event }) };
}

function blockedBy(
  { machine, nowMs }: Snapshot,
  blockers: readonly Blocker[],
  { rules, deadlineMs }: { rules: DrainRules; deadlineMs: number },
): { status: "True"; reason: string; message: string } {
  const shown = conditionOf(machine, "Draining");
  const since = shown?.status === "True" ? shown.lastTransitionTime : new Date(nowMs).toISOString();
  const until =
    deadlineMs === Infinity
      ? "the instance waits for them however long it takes"
      : `the instance goes without them at ${new Date(deadlineMs).toISOString()}`;
  const pods = named(blockers.map(({ pod, why }) => `${pod} (${why})`));
  return {
    status: "True",
    reason: blockers.some(isHeldBack) ? "PodsHeldBack" : "EvictingPods",
    message: [`since ${since} ${pods} must move; ${until}`, ...(rules.problem ? [rules.problem] : [])].join("; "),
  };
}

/**
 * The next Node of a volume waits minutes where the last one goes without detaching it. Where pods are left on the Node
 * nothing is waited for: their volumes would not be detached.
 */
function decideVolumes(
  snapshot: Snapshot,
  { node, rules, since }: { node: Node; rules: DrainRules; since: number },
): Decision | undefined {
  const { volumes } = snapshot.knowledge;
  if (rules.volumeTimeoutMs === 0) return undefined;
  const look = { kind: "look-at-volumes", node } as const;
  if (volumes === undefined) {
    return { ...look, startedAfterMs: since, why: "its volumes are detached before the instance goes" };
  }
  const names = named(volumes.attached);
  return decidePatience(snapshot, {
    type: "VolumesDetached",
    timeoutMs: rules.volumeTimeoutMs,
    looks: volumes,
    missing:
      volumes.attached.length === 0
        ? undefined
        : {
            reason: "VolumesAttached",
            told: (deadlineMs) =>
              `${names} must be detached; the instance goes without that at ${new Date(deadlineMs).toISOString()}`,
            timedOut: {
              reason: "VolumesNotDetached",
              message: `Volumes had ${rules.volumeTimeoutMs / 1_000} s to be detached; left were ${names}`,
            },
          },
    done: { reason: "Detached" },
    again: { ...look, startedAfterMs: volumes.at, why: "volumes were attached" },
  });
}

const deletedAt = ({ machine }: Snapshot): number => Date.parse(machine.metadata.deletionTimestamp ?? "");

const named = (names: readonly string[]): string =>
  names.slice(0, MOST_NAMED).join(", ") + (names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "");
