/** `matchConditions`: CEL over the request, all of which must hold for a webhook to be called. */
import { CelError, compileCel, toCelValue } from "../cel/cel.ts";
import type { CelProgram } from "../cel/cel.ts";
import { toReview } from "./review.ts";
import type { Write } from "./review.ts";
import type { Webhook } from "./webhook.ts";

type Condition = { expression: string; program: CelProgram };

const VARIABLES = { object: "dyn", oldObject: "dyn", request: "dyn" };

/** Throws when a condition cannot be evaluated and none is false. */
export function createMatchConditions() {
  const programs = new WeakMap<Webhook, Condition[]>();
  return (webhook: Webhook, write: Write): boolean => {
    if (webhook.matchConditions.length === 0) return true;
    let compiled = programs.get(webhook);
    if (compiled === undefined) {
      compiled = webhook.matchConditions.map(({ expression }) => ({
        expression,
        program: compileCel(expression, VARIABLES),
      }));
      programs.set(webhook, compiled);
    }
    const request = toReview(write, { uid: "", served: write.resource })["request"];
    const values = {
      object: toCelValue(write.object ?? null),
      oldObject: toCelValue(write.old ?? null),
      request: toCelValue(request),
    };
    let failure: unknown;
    for (const { expression, program } of compiled) {
      try {
        if (program.evaluate(values) === false) return false;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failure ??= new CelError(`expression '${expression}' resulted in error: ${why}`, error);
      }
    }
    if (failure !== undefined) throw failure;
    return true;
  };
}
