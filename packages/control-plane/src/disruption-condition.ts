/** The condition `DisruptionAllowed` of a PodDisruptionBudget's status. */
import { arrayAt, objectsAt } from "./object.ts";
import type { JsonObject } from "./object.ts";

export const SYNC_FAILED = "SyncFailed";

/** `problem`: why nobody knows how many pods may go. */
export function withDisruptionCondition(status: JsonObject, options: { time: string; problem?: string }): JsonObject {
  const { time, problem } = options;
  const isAllowed = problem === undefined && Number(status["disruptionsAllowed"] ?? 0) > 0;
  const before = disruptionCondition(status);
  const condition = {
    type: "DisruptionAllowed",
    status: isAllowed ? "True" : "False",
    ...(status["observedGeneration"] === undefined ? {} : { observedGeneration: status["observedGeneration"] }),
    lastTransitionTime: time,
    reason: problem === undefined ? (isAllowed ? "SufficientPods" : "InsufficientPods") : SYNC_FAILED,
    message: problem ?? "",
  };
  if (before?.["status"] === condition.status) condition.lastTransitionTime = String(before["lastTransitionTime"]);
  const others = arrayAt(status, "conditions").filter((other) => other !== before);
  return { ...status, conditions: [...others, condition] };
}

export function disruptionCondition(status: JsonObject): JsonObject | undefined {
  return objectsAt(status, "conditions").find(({ type }) => type === "DisruptionAllowed");
}
