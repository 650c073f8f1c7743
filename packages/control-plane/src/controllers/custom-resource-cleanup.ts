/** Deletes the objects of a CustomResourceDefinition that is being deleted, then lets the definition go. */
import { toTime } from "../clock.ts";
import { toResources } from "../registry/custom-definition.ts";
import { CLEANUP_FINALIZER, setTerminating } from "../registry/definition-status.ts";
import type { KubeObject } from "../object.ts";
import type { Server } from "../server.ts";
import { builtIn, changeStored, read, removeStored } from "../system-request.ts";
import type { Controller } from "./controller.ts";

export function createCustomResourceCleanup(server: Server): Controller {
  const definitions = builtIn(server, "apiextensions.k8s.io/v1", "customresourcedefinitions");
  const terminating = new Set<string>();

  /** Asks for the deletion of all objects; returns how many are still there. */
  async function empty(definition: KubeObject): Promise<number> {
    const storage = definition.metadata.name;
    const [resource] = toResources(definition);
    if (resource === undefined) return 0;
    const targets = server.storage
      .list({ resource: storage })
      .map(({ namespace, name }) => ({ resource, namespace, name }));
    await Promise.all(targets.map((target) => removeStored(server, target, { propagationPolicy: "Background" })));
    return server.storage.count({ resource: storage });
  }

  return {
    name: "custom-resource-cleanup",
    start: () => server.storage.list({ resource: definitions.storage }).map(({ name }) => name),
    *keysOf(change) {
      if (change.resource === definitions.storage) yield change.name;
      else if (terminating.has(change.resource)) yield change.resource;
    },
    async reconcile(name) {
      const target = { resource: definitions, name };
      const definition = read(server, target);
      if (definition?.metadata.deletionTimestamp === undefined) {
        terminating.delete(name);
        return;
      }
      terminating.add(name);
      const time = toTime(server.clock.now());
      await changeStored(server, target, (old) => {
        setTerminating(old, "inProgress", time);
        return old;
      });
      if ((await empty(definition)) > 0) return;
      await changeStored(server, target, (old) => {
        setTerminating(old, "completed", time);
        old.metadata.finalizers = (old.metadata.finalizers ?? []).filter(
          (finalizer) => finalizer !== CLEANUP_FINALIZER,
        );
        return old;
      });
    },
  };
}
