/** What `kubectl get pods` shows: the state of all containers in one word. */
import { arrayAt, objectAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatAge } from "./age.ts";
import { AGE, column, conditionsOf, field, isTrue, NAME, NONE, wide } from "./column.ts";

export const POD_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", (pod) => `${summaryOf(pod).ready}/${summaryOf(pod).containers}`),
  column("Status", (pod) => summaryOf(pod).status),
  column("Restarts", (pod, now) => {
    const { restarts, lastRestart } = summaryOf(pod);
    return restarts === 0 || lastRestart === "" ? String(restarts) : `${restarts} (${formatAge(lastRestart, now)} ago)`;
  }),
  AGE,
  wide(
    column(
      "IP",
      (pod) => stringAt(objectsAt(pod["status"], "podIPs")[0], "ip") || stringAt(pod["status"], "podIP") || NONE,
    ),
  ),
  wide(field("Node", "spec.nodeName", NONE)),
  wide(field("Nominated Node", "status.nominatedNodeName", NONE)),
  wide(column("Readiness Gates", readinessGates)),
];

/** A Pod that has ended says so of its row. */
export function podRowConditions(pod: KubeObject): JsonObject[] {
  const phase = stringAt(pod["status"], "phase");
  if (phase !== "Succeeded" && phase !== "Failed") return [];
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: phase, message }];
}

type Restarts = { restarts: number; lastRestart: string };
type Summary = Restarts & { containers: number; ready: number; status: string };

function summaryOf(pod: KubeObject): Summary {
  const containers = objectsAt(pod["spec"], "containers").length + sidecarsOf(pod).size;
  const initial = initialSummary(pod);
  const summary = initial.isOver || isTrue(pod, "Initialized") ? runningSummary(pod, initial) : initial;
  const { restarts, lastRestart, ready } = summary;
  return { restarts, lastRestart, ready, containers, status: endingStatus(pod) ?? summary.status };
}

/** Containers of the start that run on beside the others. */
function sidecarsOf(pod: KubeObject): Set<unknown> {
  const sidecars = objectsAt(pod["spec"], "initContainers").filter(({ restartPolicy }) => restartPolicy === "Always");
  return new Set(sidecars.map(({ name }) => name));
}

type InitialSummary = Restarts & { ready: number; status: string; sidecars: JsonObject[]; isOver: boolean };

function initialSummary(pod: KubeObject): InitialSummary {
  const names = sidecarsOf(pod);
  const isGated = conditionsOf(pod).some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated");
  const phase = stringAt(pod["status"], "reason") || stringAt(pod["status"], "phase");
  const statuses = objectsAt(pod["status"], "initContainerStatuses");
  const isDone = (status: JsonObject): boolean =>
    valueAt(status, "state.terminated.exitCode") === 0 || (names.has(status["name"]) && status["started"] === true);
  const current = statuses.findIndex((status) => !isDone(status));
  const seen = current < 0 ? statuses : statuses.slice(0, current + 1);
  return {
    ...restartsOf(seen),
    ready: seen.filter((status) => isDone(status) && names.has(status["name"]) && isReadySidecar(status)).length,
    status: current < 0 ? (isGated ? "SchedulingGated" : phase) : initialStatus(pod, current),
    sidecars: seen.filter(({ name }) => names.has(name)),
    isOver: current < 0,
  };
}

function isReadySidecar(status: JsonObject): boolean {
  return valueAt(status, "state.terminated.exitCode") !== 0 && status["ready"] === true;
}

function initialStatus(pod: KubeObject, current: number): string {
  const status = objectsAt(pod["status"], "initContainerStatuses")[current];
  const state = objectAt(status, "state");
  const waiting = stringAt(state["waiting"], "reason");
  if (state["terminated"] !== undefined) return `Init:${endOf(state["terminated"])}`;
  if (waiting !== "" && waiting !== "PodInitializing") return `Init:${waiting}`;
  return `Init:${current}/${arrayAt(pod["spec"], "initContainers").length}`;
}

function runningSummary(pod: KubeObject, initial: InitialSummary): Restarts & { ready: number; status: string } {
  const statuses = objectsAt(pod["status"], "containerStatuses").toReversed();
  let { status } = initial;
  let failure = "";
  let running = 0;
  for (const container of statuses) {
    const state = objectAt(container, "state");
    const waiting = stringAt(state["waiting"], "reason");
    if (waiting !== "") {
      status = waiting;
    } else if (state["terminated"] !== undefined) {
      status = endOf(state["terminated"]);
      if (valueAt(state, "terminated.exitCode") !== 0) failure = status;
    } else if (container["ready"] === true && state["running"] !== undefined) {
      running++;
    }
  }
  if (status === "Completed") {
    if (running > 0 && isTrue(pod, "Ready")) status = "Running";
    else status = failure || (running > 0 ? "NotReady" : status);
  }
  return { ...restartsOf([...initial.sidecars, ...statuses]), ready: initial.ready + running, status };
}

function endOf(terminated: unknown): string {
  const reason = stringAt(terminated, "reason");
  const signal = valueAt(terminated, "signal") ?? 0;
  if (reason !== "") return reason;
  return signal === 0 ? `ExitCode:${textOf(valueAt(terminated, "exitCode"), "0")}` : `Signal:${textOf(signal)}`;
}

function endingStatus(pod: KubeObject): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (stringAt(pod["status"], "reason") === "NodeLost") return "Unknown";
  return podRowConditions(pod).length > 0 ? undefined : "Terminating";
}

function restartsOf(statuses: readonly JsonObject[]): Restarts {
  const ends = statuses.map((status) => stringAt(valueAt(status, "lastState.terminated"), "finishedAt"));
  return {
    restarts: statuses.reduce((sum, status) => sum + Number(status["restartCount"] ?? 0), 0),
    lastRestart: ends.sort().at(-1) ?? "",
  };
}

function readinessGates(pod: KubeObject): string {
  const gates = objectsAt(pod["spec"], "readinessGates");
  const passed = gates.filter(({ conditionType }) => isTrue(pod, String(conditionType)));
  return gates.length === 0 ? NONE : `${passed.length}/${gates.length}`;
}
