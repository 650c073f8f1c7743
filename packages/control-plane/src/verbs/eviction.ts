/** `pods/eviction`: a deletion that disruption budgets may put off. */
import { respondJson, successStatus } from "../http/respond.ts";
import { objectAt, stringAt, textOf, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import { badRequest, notFound, StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decodeKind } from "./decode.ts";
import { removeObject } from "./delete.ts";
import { reviewResult } from "./webhook-review.ts";
import { write } from "./write.ts";

const BUDGETS = "poddisruptionbudgets.policy";

export async function evictPod(context: Context): Promise<Response> {
  const eviction = await decodeKind(context, builtInTarget("policy/v1", "Eviction"));
  if (stringAt(eviction["metadata"], "name") !== context.name) {
    throw badRequest("name in URL does not match name in Eviction object");
  }
  const options = objectAt(eviction, "deleteOptions");
  await write(context, { deleteOptions: options }, (transaction, admitted) => {
    const stored = transaction.get(keyOf(context));
    if (stored === undefined) throw notFound(context.resource, context.name);
    const pod = fromStored(stored, context.resource);
    reviewResult(admitted, { operation: "CREATE", object: eviction as KubeObject });
    const budgeted = pod.metadata.deletionTimestamp === undefined && !isOver(pod);
    if (budgeted) spendBudget(transaction, pod);
    return removeObject(admitted, transaction, options);
  });
  return respondJson(successStatus({}), { code: 201 });
}

function isOver(pod: KubeObject): boolean {
  const phase = valueAt(pod, "status.phase");
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending";
}

/** Throws TooManyRequests when a budget that covers the pod has no disruption left; else takes one from it. */
function spendBudget(transaction: Transaction, pod: KubeObject): void {
  const { namespace = "", labels = {} } = pod.metadata;
  const budgets = transaction
    .list({ resource: BUDGETS, namespace })
    .map((stored) => JSON.parse(stored.json) as KubeObject)
    .filter((budget) => matchesSelectorObject(valueAt(budget, "spec.selector"), labels));
  if (budgets.length > 1) {
    throw new StatusError(
      "Unknown",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  }
  const budget = budgets[0];
  if (budget === undefined) return;
  const status = objectAt(budget, "status");
  const allowed = Number(status["disruptionsAllowed"] ?? 0);
  if (allowed <= 0) {
    const needs = `The disruption budget ${budget.metadata.name} needs ${textOf(status["desiredHealthy"], "0")} healthy pods and has ${textOf(status["currentHealthy"], "0")} currently`;
    throw new StatusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      details: { causes: [{ reason: "DisruptionBudget", message: needs }] },
    });
  }
  budget["status"] = { ...status, disruptionsAllowed: allowed - 1 };
  transaction.put({ resource: BUDGETS, namespace, name: budget.metadata.name }, budget);
}
