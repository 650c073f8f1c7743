/** Aggregated discovery (apidiscovery.k8s.io/v2): all groups, versions and resources in one document. */
import type { JsonObject } from "../object.ts";
import type { Registry } from "../registry/registry.ts";
import type { Resource } from "../registry/resource.ts";
import { describeSubresource, groupVersions, verbsOf } from "./groups.ts";

export function aggregatedDiscovery(registry: Registry, isCore: boolean): JsonObject {
  const items = [...groupVersions(registry)]
    .filter(([group]) => (group === "") === isCore)
    .map(([group, versions]) => ({
      metadata: { ...(group === "" ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: registry
          .all()
          .filter((resource) => resource.group === group && resource.version === version)
          .map(toEntry),
        freshness: "Current",
      })),
    }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function toEntry(resource: Resource): JsonObject {
  const { group, version, kind } = resource;
  const subresources = resource.subresources.map((name) => {
    const { verbs, ...responseKind } = describeSubresource(resource, name);
    return { subresource: name, responseKind, verbs };
  });
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
