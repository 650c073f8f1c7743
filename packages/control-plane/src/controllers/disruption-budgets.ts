/** Keeps the status of PodDisruptionBudgets: how many healthy pods there are, and how many may go. */
import { toTime } from "../clock.ts";
import { arrayAt, isEqual, isJsonObject, objectAt, parseApiVersion, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read } from "../system-request.ts";
import type { Controller } from "./controller.ts";
import { fromKey, toKey } from "./stored-key.ts";

export function createDisruptionBudgets(server: Server): Controller {
  const budgets = builtIn(server, "policy/v1", "poddisruptionbudgets");
  const pods = builtIn(server, "v1", "pods");
  return {
    name: "disruption-budgets",
    start: () => server.storage.list({ resource: budgets.storage }).map(toKey),
    *keysOf(change) {
      if (change.resource === budgets.storage && change.type !== "DELETED") yield toKey(change);
      if (change.resource === pods.storage) {
        yield* server.storage.list({ resource: budgets.storage, namespace: change.namespace }).map(toKey);
      }
    },
    async reconcile(key) {
      const { namespace, name } = fromKey(key);
      const target = { resource: budgets, namespace, name };
      const budget = read(server, target);
      if (budget === undefined) return;
      const selector = objectAt(budget, "spec")["selector"];
      const matching = server.storage
        .list({ resource: pods.storage, namespace })
        .map(({ json }) => JSON.parse(json) as KubeObject)
        .filter((pod) => selector !== undefined && matchesSelectorObject(selector, pod.metadata.labels ?? {}));
      const scale = (pod: KubeObject): [string, number][] => scaleOf(server, pod);
      const status = statusFor(budget, { pods: matching, scale, time: toTime(server.clock.now()) });
      if (isEqual(status, budget["status"])) return;
      await changeStored(server, { ...target, scope: "status" }, (old) => ({ ...old, status }));
    },
  };
}

type Pods = { pods: readonly KubeObject[]; scale(pod: KubeObject): [uid: string, replicas: number][]; time: string };

function statusFor(budget: KubeObject, { pods, scale, time }: Pods): JsonObject {
  const current = pods.filter((pod) => !["Succeeded", "Failed"].includes(String(valueAt(pod, "status.phase"))));
  const currentHealthy = pods.filter(isHealthy).length;
  const { minAvailable, maxUnavailable } = objectAt(budget, "spec");
  // A part is one of what the pods' controllers want, which says nothing of pods without one.
  const wanted = new Map(current.flatMap(scale)).values().reduce((sum, replicas) => sum + replicas, 0);
  const expectedPods = typeof minAvailable === "number" ? current.length : wanted;
  const desiredHealthy =
    maxUnavailable === undefined
      ? amount(minAvailable ?? 0, expectedPods)
      : Math.max(0, expectedPods - amount(maxUnavailable, expectedPods));
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const allowed = disruptionsAllowed > 0 ? "True" : "False";
  const before = arrayAt(objectAt(budget, "status"), "conditions").find(isJsonObject);
  const condition = {
    type: "DisruptionAllowed",
    status: allowed,
    reason: allowed === "True" ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration: budget.metadata.generation ?? 1,
    lastTransitionTime: before?.["status"] === allowed ? before["lastTransitionTime"] : time,
  };
  return {
    conditions: [condition],
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    observedGeneration: budget.metadata.generation ?? 1,
  };
}

/** A count, or a percentage rounded up. */
function amount(value: unknown, of: number): number {
  return typeof value === "number" ? value : Math.ceil((Number.parseInt(String(value), 10) / 100) * of) || 0;
}

/** How many pods the pod's controller wants; a ReplicaSet of a Deployment's is the Deployment's matter. */
function scaleOf(server: Server, object: KubeObject): [uid: string, replicas: number][] {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return [];
  const { group, version } = parseApiVersion(owner.apiVersion);
  const resource = server.registry.findKind(group, version, owner.kind);
  const { namespace = "" } = object.metadata;
  const controller = resource && read(server, { resource, namespace, name: owner.name });
  if (controller === undefined || controller.metadata.uid !== owner.uid) return [];
  const above = owner.kind === "ReplicaSet" ? scaleOf(server, controller) : [];
  if (above.length > 0) return above;
  const path = resource?.scale?.specReplicasPath;
  return path === undefined ? [] : [[owner.uid, Number(valueAt(controller, path) ?? 0)]];
}

function isHealthy(pod: KubeObject): boolean {
  const conditions = arrayAt(objectAt(pod, "status"), "conditions").filter(isJsonObject);
  const isReady = conditions.some((condition) => condition["type"] === "Ready" && condition["status"] === "True");
  return isReady && pod.metadata.deletionTimestamp === undefined;
}
