/** Judges nodes by their heartbeats: a silent node becomes Unknown, and taints follow the Ready condition. */
import { toTime } from "../clock.ts";
import { isEqual, objectAt, objectsAt, stringAt, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read } from "../system-request.ts";
import type { Controller } from "./controller.ts";

/** kube-controller-manager's node-monitor-grace-period. */
const GRACE_MS = 40_000;
const LEASE_NAMESPACE = "kube-node-lease";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const NOT_READY = "node.kubernetes.io/not-ready";
const CONDITIONS = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** A heartbeat counts from when this server saw it: the clocks of nodes may be off. */
type Heartbeat = { mark: string; seenAt: number };

export function createNodeLifecycle(server: Server): Controller {
  const nodes = builtIn(server, "v1", "nodes");
  const leases = builtIn(server, "coordination.k8s.io/v1", "leases");
  const heartbeats = new Map<string, Heartbeat>();

  function heartbeat(node: KubeObject): Heartbeat {
    const { name } = node.metadata;
    const lease = read(server, { resource: leases, namespace: LEASE_NAMESPACE, name });
    const mark = `${String(valueAt(lease, "spec.renewTime"))} ${stringAt(readyOf(node), "lastHeartbeatTime")}`;
    const known = heartbeats.get(name);
    if (known?.mark === mark) return known;
    const fresh = { mark, seenAt: server.clock.now() };
    heartbeats.set(name, fresh);
    return fresh;
  }

  return {
    name: "node-lifecycle",
    start: () => server.storage.list({ resource: nodes.storage }).map(({ name }) => name),
    *keysOf(change) {
      if (change.resource === nodes.storage) yield change.name;
      if (change.resource === leases.storage && change.namespace === LEASE_NAMESPACE) yield change.name;
    },
    async reconcile(name) {
      const target = { resource: nodes, name };
      const node = read(server, target);
      if (node === undefined) {
        heartbeats.delete(name);
        return;
      }
      const now = server.clock.now();
      const left = heartbeat(node).seenAt + GRACE_MS - now;
      if (left <= 0 && readyOf(node)?.["status"] !== "Unknown") {
        await changeStored(server, { ...target, scope: "status" }, (old) => withUnknownConditions(old, toTime(now)));
      }
      const judged = read(server, target);
      if (judged !== undefined && !isEqual(taintsFor(judged, toTime(now)), taintsOf(judged))) {
        await changeStored(server, target, (old) => withTaints(old, taintsFor(old, toTime(now))));
      }
      return left > 0 ? left : undefined;
    },
  };
}

function conditionsOf(node: KubeObject): JsonObject[] {
  return objectsAt(objectAt(node, "status"), "conditions");
}

function readyOf(node: KubeObject): JsonObject | undefined {
  return conditionsOf(node).find((condition) => condition["type"] === "Ready");
}

function taintsOf(node: KubeObject): JsonObject[] {
  return objectsAt(objectAt(node, "spec"), "taints");
}

function withUnknownConditions(node: KubeObject, time: string): KubeObject {
  const before = conditionsOf(node);
  const unknown = CONDITIONS.map((type) => {
    const known = before.find((condition) => condition["type"] === type);
    return known === undefined
      ? {
          type,
          status: "Unknown",
          reason: "NodeStatusNeverUpdated",
          message: "Kubelet never posted node status.",
          lastHeartbeatTime: node.metadata.creationTimestamp,
          lastTransitionTime: time,
        }
      : {
          ...known,
          status: "Unknown",
          reason: "NodeStatusUnknown",
          message: "Kubelet stopped posting node status.",
          lastTransitionTime: known["status"] === "Unknown" ? known["lastTransitionTime"] : time,
        };
  });
  const others = before.filter((condition) => !CONDITIONS.includes(String(condition["type"])));
  return { ...node, status: { ...objectAt(node, "status"), conditions: [...unknown, ...others] } };
}

/** The node's taints with those that its Ready condition asks for, and without those it no longer does. */
function taintsFor(node: KubeObject, time: string): JsonObject[] {
  const status = readyOf(node)?.["status"];
  const wanted = status === "Unknown" ? UNREACHABLE : status === "True" ? undefined : NOT_READY;
  const current = taintsOf(node);
  const others = current.filter((taint) => taint["key"] !== UNREACHABLE && taint["key"] !== NOT_READY);
  if (wanted === undefined) return others;
  const effects = status === undefined ? ["NoSchedule"] : ["NoSchedule", "NoExecute"];
  return [
    ...others,
    ...effects.map(
      (effect) =>
        current.find((taint) => taint["key"] === wanted && taint["effect"] === effect) ?? {
          key: wanted,
          effect,
          timeAdded: time,
        },
    ),
  ];
}

function withTaints(node: KubeObject, taints: JsonObject[]): KubeObject {
  const { taints: _taints, ...spec } = objectAt(node, "spec");
  return { ...node, spec: taints.length === 0 ? spec : { ...spec, taints } };
}
