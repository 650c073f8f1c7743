/** Empties a namespace that is being deleted, then lets it go. */
import { toTime } from "../clock.ts";
import { objectAt, objectsAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
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
      const left = await empty(server, name);
      const conditions = conditionsFor(left);
      const time = toTime(server.clock.now());
      await changeStored(server, { ...target, scope: "status" }, (old) => {
        old["status"] = { phase: "Terminating", conditions: brought(old, conditions, time) };
        return old;
      });
      if (left.counts.size > 0) return;
      await changeStored(server, { ...target, scope: "finalize" }, (old) => {
        const { finalizers, ...spec } = objectAt(old, "spec");
        const others = Array.isArray(finalizers) ? finalizers.filter((finalizer) => finalizer !== "kubernetes") : [];
        return { ...old, spec: others.length === 0 ? spec : { ...spec, finalizers: others } };
      });
    },
  };
}

type Condition = { type: string; status: string; reason: string; message: string };

/** What is still there: how many of each resource, and how many wait for each finalizer. */
type Left = { counts: Map<string, number>; finalizers: Map<string, number> };

function conditionsFor({ counts, finalizers }: Left): Condition[] {
  const list = (map: Map<string, number>, between: string): string =>
    Array.from(map, ([name, count]) => `${name} ${between} ${count} resource instances`)
      .sort()
      .join(", ");
  const fine = (type: string, reason: string, message: string): Condition => ({
    type,
    status: "False",
    reason,
    message,
  });
  return [
    fine("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    fine(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    fine(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    counts.size === 0
      ? fine("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
      : {
          type: "NamespaceContentRemaining",
          status: "True",
          reason: "SomeResourcesRemain",
          message: `Some resources are remaining: ${list(counts, "has")}`,
        },
    finalizers.size === 0
      ? fine("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
      : {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${list(finalizers, "in")}`,
        },
  ];
}

/** Conditions, with the time since when each is as it is. */
function brought(namespace: KubeObject, conditions: readonly Condition[], time: string): unknown[] {
  const before = objectsAt(namespace["status"], "conditions");
  return conditions.map((condition) => {
    const was = before.find(({ type }) => type === condition.type);
    const isSame = was?.["status"] === condition.status;
    return { ...condition, lastTransitionTime: isSame ? was["lastTransitionTime"] : time };
  });
}

/** Asks for the deletion of everything in the namespace; returns what is still there. */
async function empty(server: Server, namespace: string): Promise<Left> {
  const left: Left = { counts: new Map(), finalizers: new Map() };
  const seen = new Set<string>();
  for (const resource of server.registry.all()) {
    if (!resource.namespaced || resource.review === true || seen.has(resource.storage)) continue;
    seen.add(resource.storage);
    const { storage, plural, group } = resource;
    await Promise.all(
      server.storage
        .list({ resource: storage, namespace })
        .map(({ name }) => removeStored(server, { resource, namespace, name }, { propagationPolicy: "Background" })),
    );
    const remaining = server.storage.list({ resource: storage, namespace });
    if (remaining.length > 0) left.counts.set(`${plural}.${group}`, remaining.length);
    for (const { json } of remaining) {
      for (const finalizer of (JSON.parse(json) as KubeObject).metadata.finalizers ?? []) {
        left.finalizers.set(finalizer, (left.finalizers.get(finalizer) ?? 0) + 1);
      }
    }
  }
  return left;
}
