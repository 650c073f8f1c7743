/** `pods/eviction`: a deletion that disruption budgets may put off. */
import { toTime } from "../clock.ts";
import { disruptionCondition, SYNC_FAILED, withDisruptionCondition } from "../disruption-condition.ts";
import { respondJson, successStatus } from "../http/respond.ts";
import { objectAt, objectsAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored } from "../registry/conversion.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import { badRequest, notFound, StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { changeObject } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { builtInTarget, decodeKind, toMetadata } from "./decode.ts";
import { checkDeleteOptions, removeObject } from "./delete.ts";
import { reviewResult } from "./webhook-review.ts";
import { write } from "./write.ts";

const EVICTION = { ...builtInTarget("policy/v1", "Eviction"), formerApiVersion: "policy/v1beta1" };
const RETRY_AFTER_SECONDS = 10;

export async function evictPod(context: Context): Promise<Response> {
  const eviction = await decodeKind(context, EVICTION);
  if (toMetadata(eviction, context).name !== context.name) {
    throw badRequest("name in URL does not match name in Eviction object");
  }
  const options = objectAt(eviction, "deleteOptions");
  await write(context, { deleteOptions: options }, (transaction, admitted) => {
    const stored = transaction.get(keyOf(context));
    if (stored === undefined) throw notFound(context.resource, context.name);
    const pod = fromStored(stored, context.resource);
    reviewResult(admitted, { operation: "CREATE", object: eviction as KubeObject });
    if (pod.metadata.deletionTimestamp === undefined && !isOver(pod)) {
      const budget = budgetOf(transaction, pod);
      if (budget !== undefined && !maySkip(budget, pod)) spend(admitted, transaction, budget);
    }
    checkDeleteOptions(options);
    const time = toTime(context.server.clock.now());
    return removeObject(admitted, transaction, options, (evicted) => markDisrupted(evicted, time));
  });
  return respondJson(successStatus({ code: 201 }), { code: 201 });
}

function isOver(pod: KubeObject): boolean {
  const phase = valueAt(pod, "status.phase");
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending";
}

function budgetOf(transaction: Transaction, pod: KubeObject): KubeObject | undefined {
  const { namespace = "", labels = {} } = pod.metadata;
  const budgets = transaction
    .list({ resource: "poddisruptionbudgets.policy", namespace })
    .map((stored) => JSON.parse(stored.json) as KubeObject)
    .filter((budget) => matchesSelectorObject(valueAt(budget, "spec.selector"), labels));
  if (budgets.length > 1) {
    throw new StatusError(
      "Unknown",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  }
  return budgets[0];
}

/** A pod that is not ready counts for nothing: it may go if the budget says so, or if enough others are healthy. */
function maySkip(budget: KubeObject, pod: KubeObject): boolean {
  const isReady = conditionsOf(pod).some(({ type, status }) => type === "Ready" && status === "True");
  if (isReady) return false;
  if (valueAt(budget, "spec.unhealthyPodEvictionPolicy") === "AlwaysAllow") return true;
  const { currentHealthy, desiredHealthy } = countsOf(budget);
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Takes one disruption from the budget. Throws TooManyRequests when there is none left, or nobody knows yet. */
function spend(context: Context, transaction: Transaction, budget: KubeObject): void {
  const { server, name: pod } = context;
  const status = objectAt(budget, "status");
  if (Number(status["observedGeneration"] ?? 0) < (budget.metadata.generation ?? 0)) {
    const why = `The disruption budget ${budget.metadata.name} is still being processed by the server.`;
    throw tooManyRequests(why, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  const { disruptionsAllowed } = countsOf(budget);
  if (disruptionsAllowed <= 0) throw tooManyRequests(whyNot(budget));
  const time = toTime(server.clock.now());
  const left = {
    ...status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...objectAt(status, "disruptedPods"), [pod]: time },
  };
  const resource = server.registry.find("policy", "v1", "poddisruptionbudgets");
  if (resource === undefined) return;
  const { admission: _admission, ...rest } = context;
  const own = { resource, name: budget.metadata.name, subresource: "status", query: new URLSearchParams() };
  const headers = new Headers({ "user-agent": "kube-apiserver" });
  changeObject({ ...rest, ...own, headers }, transaction, {
    scope: "status",
    next: (old) => ({ ...old, status: disruptionsAllowed === 1 ? withDisruptionCondition(left, { time }) : left }),
  });
}

function tooManyRequests(why: string, more: { retryAfterSeconds?: number } = {}): StatusError {
  return new StatusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: { causes: [{ reason: "DisruptionBudget", message: why }], ...more },
  });
}

function whyNot(budget: KubeObject): string {
  const { currentHealthy, desiredHealthy } = countsOf(budget);
  const { status, reason, message } = disruptionCondition(objectAt(budget, "status")) ?? {};
  const said = status === "False" ? textOf(message) : "";
  const the = `The disruption budget ${budget.metadata.name}`;
  const currently = `${the} does not allow evicting pods currently`;
  if (said !== "" && reason === SYNC_FAILED) return `${currently} because it failed sync: ${said}`;
  if (currentHealthy <= desiredHealthy) {
    return `${the} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  return said === "" ? currently : `${currently} (${textOf(reason)}): ${said}`;
}

function countsOf(budget: KubeObject): { currentHealthy: number; desiredHealthy: number; disruptionsAllowed: number } {
  const status = objectAt(budget, "status");
  const count = (field: string): number => Number(status[field] ?? 0);
  return {
    currentHealthy: count("currentHealthy"),
    desiredHealthy: count("desiredHealthy"),
    disruptionsAllowed: count("disruptionsAllowed"),
  };
}

function markDisrupted(pod: KubeObject, time: string): void {
  const type = "DisruptionTarget";
  const others = conditionsOf(pod).filter((condition) => condition["type"] !== type);
  const condition = {
    type,
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: time,
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
  };
  pod["status"] = { ...objectAt(pod, "status"), conditions: [...others, condition] };
}

function conditionsOf(object: KubeObject): JsonObject[] {
  return objectsAt(object["status"], "conditions");
}
