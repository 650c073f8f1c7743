/** Between the form objects are kept in and the form a request sees. */
import { toApiVersion } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { applySchemaDefaults } from "../schema/default.ts";
import { pruneObject } from "../schema/prune.ts";
import type { Stored } from "../storage/storage.ts";
import { fromEventsGroup, toEventsGroup } from "./event-conversion.ts";
import type { Resource } from "./resource.ts";

/** The stored object as this resource serves it. */
export function fromStored(stored: Pick<Stored, "json" | "revision">, resource: Resource): KubeObject {
  const object = JSON.parse(stored.json) as KubeObject;
  const apiVersion = toApiVersion(resource.group, resource.version);
  if (resource.group === "events.k8s.io") return toEventsGroup(object);
  if (object.apiVersion !== apiVersion) object.apiVersion = apiVersion;
  if (isOutdated(stored, resource) && resource.schema !== undefined) {
    pruneObject(object, resource.schema);
    applySchemaDefaults(object, resource.schema);
  }
  return object;
}

/** One object for all who only look at a row; it goes with the row. */
const VIEWS = new WeakMap<Stored, { resource: Resource; object: KubeObject }>();

/** As `fromStored`, but not to be changed: whoever looks at the same row shares it. */
export function viewStored(stored: Stored, resource: Resource): KubeObject {
  const known = VIEWS.get(stored);
  if (known?.resource === resource) return known.object;
  const object = fromStored(stored, resource);
  VIEWS.set(stored, { resource, object });
  return object;
}

/** The object as it is kept; the inverse of `fromStored`. */
export function toStored(object: KubeObject, resource: Resource): KubeObject {
  if (resource.group === "events.k8s.io") return fromEventsGroup(object);
  return object.apiVersion === resource.storageApiVersion
    ? object
    : { ...object, apiVersion: resource.storageApiVersion };
}

/** An object as another form of the same kind has it; a copy unless the forms are one. */
export function convertObject(object: KubeObject, from: Resource, to: Resource): KubeObject {
  if (from === to) return object;
  const stored = toStored(object, from);
  if (to.group === "events.k8s.io") return toEventsGroup(stored);
  return { ...stored, apiVersion: toApiVersion(to.group, to.version) };
}

/** Whether the kept text is, byte for byte, what this resource serves. */
export function isServedAsKept(stored: Pick<Stored, "json" | "revision">, resource: Resource): boolean {
  const apiVersion = toApiVersion(resource.group, resource.version);
  return !isOutdated(stored, resource) && stored.json.startsWith(`{"apiVersion":"${apiVersion}",`);
}

function isOutdated(stored: Pick<Stored, "revision">, resource: Resource): boolean {
  return resource.schemaRevision !== undefined && stored.revision < resource.schemaRevision;
}
