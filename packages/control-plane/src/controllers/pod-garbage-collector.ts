/** Removes pods bound to nodes that no longer exist: no kubelet will ever finish them. */
import { stringAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Server } from "../server.ts";
import { builtIn, read, removeStored } from "../system-request.ts";
import type { Controller } from "./controller.ts";
import { fromKey, toKey } from "./stored-key.ts";

/** A node may be registered anew within this time. */
const QUARANTINE_MS = 40_000;

export function createPodGarbageCollector(server: Server): Controller {
  const pods = builtIn(server, "v1", "pods");
  const nodes = builtIn(server, "v1", "nodes");
  const missingSince = new Map<string, number>();
  const keysOn = (nodeName: string): string[] =>
    server.storage
      .list({ resource: pods.storage })
      .filter(({ json }) => nodeOf(JSON.parse(json) as KubeObject) === nodeName)
      .map(toKey);

  return {
    name: "pod-garbage-collector",
    start: () => server.storage.list({ resource: pods.storage }).map(toKey),
    *keysOf(change) {
      if (change.resource === pods.storage && change.type !== "DELETED") yield toKey(change);
      if (change.resource === nodes.storage && change.type === "DELETED") yield* keysOn(change.name);
    },
    async reconcile(key) {
      const { namespace, name } = fromKey(key);
      const target = { resource: pods, namespace, name };
      const pod = read(server, target);
      const nodeName = pod === undefined ? "" : nodeOf(pod);
      if (pod === undefined || nodeName === "" || read(server, { resource: nodes, name: nodeName }) !== undefined) {
        missingSince.delete(key);
        return;
      }
      const now = server.clock.now();
      const since = missingSince.get(key) ?? now;
      missingSince.set(key, since);
      if (now - since < QUARANTINE_MS) return QUARANTINE_MS - (now - since);
      missingSince.delete(key);
      await removeStored(server, target, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
      return;
    },
  };
}

function nodeOf(pod: KubeObject): string {
  return stringAt(pod["spec"], "nodeName");
}
