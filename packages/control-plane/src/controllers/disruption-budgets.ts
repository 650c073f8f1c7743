/** Keeps the status of PodDisruptionBudgets: how many healthy pods there are, and how many may go. */
import { toTime } from "../clock.ts";
import { withDisruptionCondition } from "../disruption-condition.ts";
import { isEqual, objectAt, objectsAt, parseApiVersion, valueAt } from "../object.ts";
import type { JsonObject, KubeObject, OwnerReference } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import type { Server } from "../server.ts";
import { qualified } from "../status-error.ts";
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
      const scale = (pod: KubeObject): Scale | undefined => scaleOf(server, pod);
      const status = statusFor(budget, { pods: matching, scale, time: toTime(server.clock.now()) });
      if (isEqual(status, budget["status"])) return;
      await changeStored(server, { ...target, scope: "status" }, (old) => ({ ...old, status }));
    },
  };
}

/** How many pods a controller wants, or why that cannot be told. */
type Scale = { uid: string; replicas: number } | { problem: string };

type Pods = { pods: readonly KubeObject[]; scale(pod: KubeObject): Scale | undefined; time: string };

function statusFor(budget: KubeObject, { pods, scale, time }: Pods): JsonObject {
  const { minAvailable, maxUnavailable } = objectAt(budget, "spec");
  const counts = typeof minAvailable === "number" || (minAvailable ?? maxUnavailable) === undefined;
  // A part is one of what the pods' controllers want, which says nothing of pods without one.
  const wanted = new Map<string, number>();
  for (const one of counts ? [] : pods.map(scale)) {
    if (one === undefined) continue;
    if ("problem" in one) return unsynced(objectAt(budget, "status"), { time, problem: one.problem });
    wanted.set(one.uid, one.replicas);
  }
  const expectedPods =
    typeof minAvailable === "number" ? pods.length : wanted.values().reduce((sum, replicas) => sum + replicas, 0);
  const desiredHealthy =
    maxUnavailable === undefined
      ? amount(minAvailable ?? 0, expectedPods)
      : Math.max(0, expectedPods - amount(maxUnavailable, expectedPods));
  const { conditions } = objectAt(budget, "status");
  const currentHealthy = pods.filter(isHealthy).length;
  const status = {
    ...(conditions === undefined ? {} : { conditions }),
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy),
    expectedPods,
    observedGeneration: budget.metadata.generation ?? 1,
  };
  return withDisruptionCondition(status, { time });
}

/** What was known stays, but for the disruptions: none is allowed as long as the count cannot be trusted. */
function unsynced(before: JsonObject, options: { time: string; problem: string }): JsonObject {
  const none = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return withDisruptionCondition({ ...none, ...before, disruptionsAllowed: 0 }, options);
}

/** A count, or a percentage rounded up. */
function amount(value: unknown, of: number): number {
  return typeof value === "number" ? value : Math.ceil((Number.parseInt(String(value), 10) / 100) * of) || 0;
}

/** None for a pod without a controller. */
function scaleOf(server: Server, pod: KubeObject): Scale | undefined {
  const owner = controllerOf(pod);
  if (owner === undefined) return undefined;
  const resource = kindOf(server, owner);
  if (resource === undefined) {
    return {
      problem: `no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`,
    };
  }
  if (resource.scale === undefined) {
    return { problem: `${qualified(resource)} does not implement the scale subresource` };
  }
  return wantedBy(server, pod) ?? { problem: `found no controllers for pod ${JSON.stringify(pod.metadata.name)}` };
}

/** What its controller wants; of a Deployment's ReplicaSet that is the Deployment's matter. */
function wantedBy(server: Server, object: KubeObject): Scale | undefined {
  const owner = controllerOf(object);
  const resource = owner && kindOf(server, owner);
  const path = resource?.scale?.specReplicasPath;
  if (owner === undefined || resource === undefined || path === undefined) return undefined;
  const { namespace = "" } = object.metadata;
  const controller = read(server, { resource, namespace, name: owner.name });
  if (controller === undefined || controller.metadata.uid !== owner.uid) return undefined;
  const above = owner.kind === "ReplicaSet" ? wantedBy(server, controller) : undefined;
  return above ?? { uid: owner.uid, replicas: Number(valueAt(controller, path) ?? 0) };
}

function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

function kindOf(server: Server, { apiVersion, kind }: OwnerReference): Resource | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  return server.registry.findKind(group, version, kind);
}

function isHealthy(pod: KubeObject): boolean {
  const conditions = objectsAt(objectAt(pod, "status"), "conditions");
  const isReady = conditions.some((condition) => condition["type"] === "Ready" && condition["status"] === "True");
  return isReady && pod.metadata.deletionTimestamp === undefined;
}
