/** Empties a namespace that is being deleted, then lets it go. */
import { toTime } from "../clock.ts";
import { objectAt } from "../object.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read, removeStored } from "../system-request.ts";
import type { Controller } from "./controller.ts";

export function createNamespaceLifecycle(server: Server): Controller {
  const namespaces = builtIn(server, "v1", "namespaces");
  const terminating = new Set<string>();

  return {
    name: "namespace-lifecycle",
    start: () => server.storage.list({ resource: namespaces.storage }).map(({ name }) => name),
    *keysOf(change) {
      if (change.resource === namespaces.storage) yield change.name;
      else if (change.type === "DELETED" && terminating.has(change.namespace)) yield change.namespace;
    },
    async reconcile(name) {
      const target = { resource: namespaces, name };
      const namespace = read(server, target);
      if (namespace?.metadata.deletionTimestamp === undefined) {
        terminating.delete(name);
        return;
      }
      terminating.add(name);
      const remaining = await empty(server, name);
      if (remaining > 0) {
        const time = toTime(server.clock.now());
        await changeStored(server, { ...target, scope: "status" }, (old) => {
          const message = `Some resources are remaining: ${remaining} objects wait for their finalizers or grace periods`;
          const conditions = [
            {
              type: "NamespaceContentRemaining",
              status: "True",
              reason: "SomeResourcesRemain",
              message,
              lastTransitionTime: time,
            },
          ];
          const before = objectAt(old, "status")["conditions"];
          old["status"] = { phase: "Terminating", conditions: Array.isArray(before) ? before : conditions };
          return old;
        });
        return;
      }
      await changeStored(server, target, (old) => {
        const { finalizers: _finalizers, ...spec } = objectAt(old, "spec");
        return { ...old, spec };
      });
    },
  };
}

/** Asks for the deletion of everything in the namespace; returns how many objects are still there. */
async function empty(server: Server, namespace: string): Promise<number> {
  let remaining = 0;
  const seen = new Set<string>();
  for (const resource of server.registry.all()) {
    if (!resource.namespaced || resource.review === true || seen.has(resource.storage)) continue;
    seen.add(resource.storage);
    const stored = server.storage.list({ resource: resource.storage, namespace });
    await Promise.all(
      stored.map(({ name }) =>
        removeStored(server, { resource, namespace, name }, { propagationPolicy: "Background" }),
      ),
    );
    remaining += server.storage.count({ resource: resource.storage, namespace });
  }
  return remaining;
}
