/** The unaggregated discovery documents: APIGroupList, APIGroup, APIResourceList. */
import { toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Registry } from "../registry/registry.ts";
import { STANDARD_VERBS } from "../registry/resource.ts";
import type { Resource } from "../registry/resource.ts";
import { compareVersions } from "./version-order.ts";

/** Group → its versions, the preferred one first; groups in the order the registry knows them. */
export function groupVersions(registry: Registry): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, version } of registry.all()) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    groups.set(group, versions.sort(compareVersions));
  }
  return groups;
}

export function groupList(registry: Registry): JsonObject {
  const names = [...groupVersions(registry).keys()].filter((group) => group !== "");
  const groups = names.map((group) => {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = groupOf(registry, group) ?? {};
    return rest;
  });
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

export function groupOf(registry: Registry, group: string): JsonObject | undefined {
  const versions = groupVersions(registry).get(group);
  if (versions === undefined || group === "") return undefined;
  const all = versions.map((version) => ({ groupVersion: toApiVersion(group, version), version }));
  return { kind: "APIGroup", apiVersion: "v1", name: group, versions: all, preferredVersion: all[0] };
}

export function resourceList(registry: Registry, group: string, version: string): JsonObject | undefined {
  const resources = registry.all().filter((resource) => resource.group === group && resource.version === version);
  if (resources.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: toApiVersion(group, version),
    resources: resources.flatMap((resource) => [
      mainEntry(resource),
      ...resource.subresources.map((name) => subEntry(resource, name)),
    ]),
  };
}

export function verbsOf(resource: Resource): readonly string[] {
  if (resource.review === true) return ["create"];
  return STANDARD_VERBS.filter((verb) => verb !== "deletecollection" || resource.storage !== "namespaces");
}

/** What a subresource serves: its verbs, and the kind it speaks when that is not the resource's own. */
export function describeSubresource(
  resource: Resource,
  name: string,
): { verbs: string[]; group: string; version: string; kind: string } {
  const own = { group: resource.group, version: resource.version, kind: resource.kind };
  switch (name) {
    case "scale":
      return { verbs: ["get", "patch", "update"], group: "autoscaling", version: "v1", kind: "Scale" };
    case "token":
      return { verbs: ["create"], group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
    case "eviction":
      return { verbs: ["create"], group: "policy", version: "v1", kind: "Eviction" };
    case "binding":
      return { verbs: ["create"], group: "", version: "v1", kind: "Binding" };
    case "finalize":
      return { verbs: ["update"], ...own };
    default:
      return { verbs: ["get", "patch", "update"], ...own };
  }
}

function mainEntry(resource: Resource): JsonObject {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
  };
}

function subEntry(resource: Resource, name: string): JsonObject {
  const { verbs, group, version, kind } = describeSubresource(resource, name);
  const isForeign = group !== resource.group || version !== resource.version;
  return {
    name: `${resource.plural}/${name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(isForeign ? { group, version } : {}),
    kind,
    verbs,
  };
}
