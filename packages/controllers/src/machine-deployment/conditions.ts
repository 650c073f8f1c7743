/** Conditions of a MachineDeployment: types, reasons and transitions of an apps/v1 Deployment's. */
import type { DeploymentCondition, MachineDeployment } from "@machine-controller/api";
import type { EventToEmit } from "../machine/decision.ts";
import { historyOf } from "./revision.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Counts } from "./counts.ts";

type Wanted = {
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  /** The deadline counts from now, though all else may be as it was. */
  restarts?: true;
};
type Progress = { counts: Counts; isComplete: boolean };

const DEFAULT_DEADLINE_SECONDS = 600;
/** As apps/v1 has it: no deadline. */
const NO_DEADLINE_SECONDS = 2 ** 31 - 1;
const COMPLETE = "NewReplicaSetAvailable";
const PAUSED = "DeploymentPaused";
const TIMED_OUT = "ProgressDeadlineExceeded";
/** Nothing moves until somebody has edited it. */
export const INVALID = "InvalidConfiguration";

/** @returns all conditions, and the event that a missed deadline deserves; undefined where none differs. */
export function conditionsOf(
  snapshot: Snapshot,
  progress: Progress,
): { all: DeploymentCondition[]; event?: EventToEmit } | undefined {
  const current = snapshot.deployment.status?.conditions ?? [];
  const progressing = progressingCondition(snapshot, progress);
  const wanted = {
    Available: availableCondition(snapshot, progress.counts),
    Progressing: progressing,
    ReplicaFailure: replicaFailure(snapshot),
  };
  const now = new Date(snapshot.nowMs).toISOString();
  let differs = false;
  const all = current.filter(({ type }) => !(type in wanted));
  for (const [type, want] of Object.entries(wanted)) {
    const had = current.find((condition) => condition.type === type);
    if (want === "keep" || (had !== undefined && want !== undefined && isSame(had, want))) {
      if (had !== undefined) all.push(had);
      continue;
    }
    differs ||= had !== want;
    if (want === undefined) continue;
    const { restarts: _restarts, ...fields } = want;
    const lastTransitionTime = (had?.status === want.status ? had.lastTransitionTime : undefined) ?? now;
    all.push({ type, ...fields, lastUpdateTime: now, lastTransitionTime });
  }
  if (!differs) return undefined;
  const isNews = progressing !== "keep" && progressing.reason === TIMED_OUT;
  return {
    all,
    ...(isNews && { event: { type: "Warning", reason: TIMED_OUT, message: progressing.message } }),
  };
}

/** When the rollout under way has taken too long, in milliseconds on the clock; undefined: never, or it has already. */
export function deadlineAt({ deployment }: Snapshot): number | undefined {
  const current = progressingOf(deployment);
  const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
  if (current === undefined || [COMPLETE, PAUSED, TIMED_OUT, INVALID].includes(current.reason ?? "")) return undefined;
  if (seconds === NO_DEADLINE_SECONDS) return undefined;
  return Date.parse(current.lastUpdateTime ?? current.lastTransitionTime ?? "") + seconds * 1_000;
}

export const progressingOf = ({ status }: MachineDeployment): DeploymentCondition | undefined =>
  status?.conditions?.find(({ type }) => type === "Progressing");

function progressingCondition(snapshot: Snapshot, { counts, isComplete }: Progress): Wanted | "keep" {
  const { deployment, newSet, failure, nowMs } = snapshot;
  const current = progressingOf(deployment);
  const name = newSet?.set.metadata.name;
  if (deployment.spec.paused) {
    return current?.reason === TIMED_OUT ? "keep" : { status: "Unknown", reason: PAUSED, message: "It is paused." };
  }
  if (failure !== undefined) return { status: "False", reason: "ReplicaSetCreateError", message: failure };
  if (current?.reason === PAUSED) return { status: "Unknown", reason: "DeploymentResumed", message: "It was resumed." };
  const complete: Wanted = { status: "True", reason: COMPLETE, message: `MachineSet "${name}" has all its Machines.` };
  if (isComplete) return complete;
  // Once this MachineSet was complete, a changed number of replicas is no rollout.
  if (current && isSame(current, complete) && counts.replicas === counts.updatedReplicas) return "keep";
  const progressed = toProgress(
    "ReplicaSetUpdated",
    name ? `MachineSet "${name}" is progressing.` : "Machines of older templates go.",
  );
  if (hasProgressed(deployment.status ?? {}, counts)) return progressed;
  if (current === undefined || current.reason === COMPLETE || current.reason === INVALID) {
    if (newSet === undefined) return progressed;
    return historyOf(newSet.set).length === 0
      ? toProgress("NewReplicaSetCreated", `Created new MachineSet "${name}".`)
      : toProgress("FoundNewReplicaSet", `Found MachineSet "${name}" of the current template.`);
  }
  if ((deadlineAt(snapshot) ?? Infinity) <= nowMs) {
    const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
    const message = `No progress for ${seconds} s (spec.progressDeadlineSeconds); ${whatIsMissing(snapshot, counts)}`;
    return { status: "False", reason: TIMED_OUT, message };
  }
  return "keep";
}

const toProgress = (reason: string, message: string): Wanted => ({
  status: "True",
  reason,
  message,
  restarts: true,
});

function hasProgressed(before: NonNullable<MachineDeployment["status"]>, now: Counts): boolean {
  const old = (counts: typeof before): number => (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  return (
    now.updatedReplicas > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    now.readyReplicas > (before.readyReplicas ?? 0) ||
    now.availableReplicas > (before.availableReplicas ?? 0)
  );
}

const whatIsMissing = ({ limits: { replicas } }: Snapshot, counts: Counts): string =>
  `${counts.updatedReplicas} of ${replicas} Machines have the current template, ${counts.availableReplicas} are available`;

function availableCondition({ limits: { replicas, maxUnavailable } }: Snapshot, { availableReplicas }: Counts): Wanted {
  const message = `${replicas - maxUnavailable} of ${replicas} Machines must be available.`;
  return availableReplicas >= replicas - maxUnavailable
    ? { status: "True", reason: "MinimumReplicasAvailable", message }
    : { status: "False", reason: "MinimumReplicasUnavailable", message };
}

/** That of the new MachineSet, or else of an old one. */
function replicaFailure({ newSet, oldSets }: Snapshot): Wanted | undefined {
  for (const { set } of [...(newSet ? [newSet] : []), ...oldSets]) {
    const found = set.status?.conditions?.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
    if (found) return { status: "True", reason: found.reason ?? "", message: found.message ?? "" };
  }
  return undefined;
}

const isSame = (had: DeploymentCondition, want: Wanted): boolean =>
  want.restarts !== true &&
  had.status === want.status &&
  (had.reason ?? "") === want.reason &&
  (had.message ?? "") === want.message;
