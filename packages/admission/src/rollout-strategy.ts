/** The rules of `spec.strategy`. */
import { nearestName, resolveIntOrPercent } from "@machine-controller/api";
import { isObject, type Raw } from "./admission.ts";

const TYPES = ["RollingUpdate", "OnDelete", "Recreate"];
const PATH = "spec.strategy";

export function strategyProblems(strategy: unknown): string[] {
  if (!isObject(strategy)) return [];
  const { type: given, rollingUpdate } = strategy;
  const type = given || "RollingUpdate";
  if (typeof type === "string" && !TYPES.includes(type)) {
    const nearest = nearestName(type.slice(0, 80), TYPES);
    const remedy = nearest ? `did you mean "${nearest}"?` : `use one of ${TYPES.join(", ")}`;
    return [`${PATH}.type: "${type.slice(0, 80)}" is not supported; ${remedy}`];
  }
  if (type !== "RollingUpdate") return [];
  return rollingUpdateProblems(isObject(rollingUpdate) ? rollingUpdate : {});
}

function rollingUpdateProblems(rollingUpdate: Raw): string[] {
  const surge = limit(rollingUpdate["maxSurge"] ?? 1, "maxSurge");
  const unavailable = limit(rollingUpdate["maxUnavailable"] ?? 0, "maxUnavailable");
  const problems = [surge.problem, unavailable.problem].filter((problem) => problem !== undefined);
  const path = `${PATH}.rollingUpdate.maxUnavailable`;
  const given = rollingUpdate["maxUnavailable"];
  if (typeof given === "string" && (unavailable.of100 ?? 0) > 100) {
    problems.push(`${path}: "${given.slice(0, 20)}" must not be more than 100%`);
  }
  if (surge.of100 === 0 && unavailable.of100 === 0) {
    problems.push(`${path}: may not be 0 when maxSurge is 0: no Machine could ever be replaced; raise one of them`);
  }
  return problems;
}

/** The value as a part of 100 Machines. Of a value of another type the schema's problem is enough. */
function limit(value: unknown, name: string): { of100?: number; problem?: string } {
  if (typeof value !== "number" && typeof value !== "string") return {};
  const path = `${PATH}.rollingUpdate.${name}`;
  try {
    const of100 = resolveIntOrPercent(value, 100, "up");
    return of100 >= 0 ? { of100 } : { problem: `${path}: must not be negative, is ${value}` };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problem: `${path}: "${String(value).slice(0, 80)}" must be a number (5) or a percentage ("5%")` };
  }
}
