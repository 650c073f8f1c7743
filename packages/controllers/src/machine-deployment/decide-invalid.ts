/** A MachineDeployment whose own fields make it impossible to act says so in its condition and is left as it is. */
import type { MachineDeployment } from "@machine-controller/api";
import { selectorProblem } from "../selector.ts";
import { INVALID, progressingOf } from "./conditions.ts";
import type { Decision } from "./decision.ts";
import { limitsOf } from "./rollout.ts";

/** @returns undefined for one that is valid. */
export function decideInvalid(deployment: MachineDeployment, nowMs: number): Decision | undefined {
  const { metadata, status = {} } = deployment;
  const message = problemOf(deployment);
  if (message === undefined) return undefined;
  if (metadata.deletionTimestamp !== undefined) return { kind: "wait", why: "it is being deleted" };
  const had = progressingOf(deployment);
  const { generation: observedGeneration = 0 } = metadata;
  const isTold = had?.reason === INVALID && had.message === message;
  if (isTold && status.observedGeneration === observedGeneration) {
    return { kind: "wait", why: `an edit is needed: ${message}` };
  }
  const now = new Date(nowMs).toISOString();
  const lastTransitionTime = (had?.status === "False" ? had.lastTransitionTime : undefined) ?? now;
  const told = { type: "Progressing", status: "False", reason: INVALID, message } as const;
  const conditions = [
    ...(status.conditions ?? []).filter((condition) => condition !== had),
    { ...told, lastUpdateTime: now, lastTransitionTime },
  ];
  return {
    kind: "patch-status",
    why: message,
    patch: { status: { observedGeneration, conditions } },
    ...(!isTold && { event: { type: "Warning", reason: INVALID, message } }),
  };
}

function problemOf(deployment: MachineDeployment): string | undefined {
  const { selector, template } = deployment.spec;
  try {
    limitsOf(deployment);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return selectorProblem(selector, template.metadata?.labels);
}
