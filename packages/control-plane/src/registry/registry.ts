/** Which kinds are served: the built-in table plus what CustomResourceDefinitions add, always as last committed. */
import type { KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";
import { BUILT_IN_RESOURCES } from "./built-in-kinds.ts";
import { toResources } from "./custom-definition.ts";
import type { Resource } from "./resource.ts";

export type Registry = {
  find(group: string, version: string, plural: string): Resource | undefined;
  /** All resources, built-in ones first. */
  all(): readonly Resource[];
  /** The resource an object of this apiVersion and kind belongs to. */
  findKind(group: string, version: string, kind: string): Resource | undefined;
  /** Rises when the set of kinds changes. */
  readonly generation: number;
};

const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

export function createRegistry(storage: Storage): Registry {
  const custom = new Map<string, Resource[]>();
  let resources: readonly Resource[] = [];
  let byPath = new Map<string, Resource>();
  let generation = 0;

  const index = (): void => {
    resources = [...BUILT_IN_RESOURCES, ...[...custom.values()].flat()];
    // Built-in kinds come last: no definition may take their place.
    byPath = new Map(
      resources.toReversed().map((resource) => [pathOf(resource.group, resource.version, resource.plural), resource]),
    );
    generation += 1;
  };
  const add = (json: string): void => {
    const { name, resources: served } = definitionOf(json);
    custom.set(name, served);
  };

  for (const { json } of storage.list({ resource: DEFINITIONS })) add(json);
  index();
  storage.subscribe((changes) => {
    const definitions = changes.filter((change) => change.resource === DEFINITIONS);
    for (const { type, name, json } of definitions) {
      if (type === "DELETED") custom.delete(name);
      else add(json);
    }
    if (definitions.length > 0) index();
  });

  return {
    find: (group, version, plural) => byPath.get(pathOf(group, version, plural)),
    all: () => resources,
    findKind: (group, version, kind) =>
      resources.find((resource) => resource.group === group && resource.version === version && resource.kind === kind),
    get generation() {
      return generation;
    },
  };
}

type Definition = { name: string; resources: Resource[] };

/**
 * Schemas and rules take a while to compile, and a process may open many copies of one database: a definition of the same
 * text, which has its UID and resourceVersion in it, is the same one.
 */
function definitionOf(json: string): Definition {
  const known = DEFINED.get(json);
  if (known !== undefined) return known;
  const definition = JSON.parse(json) as KubeObject;
  const made = { name: definition.metadata.name, resources: toResources(definition) };
  if (DEFINED.size >= MOST_DEFINED) DEFINED.clear();
  DEFINED.set(json, made);
  return made;
}

const DEFINED = new Map<string, Definition>();
const MOST_DEFINED = 50;

function pathOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
