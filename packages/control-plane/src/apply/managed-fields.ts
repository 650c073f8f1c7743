/** `metadata.managedFields`: who set which field, kept with every write, and the conflicts that follow from it. */
import { isEqual, isJsonObject, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { changedFields, fieldsOf } from "./field-values.ts";
import { difference, EMPTY, fromFieldsV1, isEmpty, MEMBER, toFieldsV1, union, withChildren } from "./field-set.ts";
import type { FieldSet } from "./field-set.ts";
import type { Typing } from "./typing.ts";

export type Manager = {
  name: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string;
};

export type ManagedEntry = Manager & { time: string; fields: FieldSet };

const UNTRACKED_METADATA = [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "generation",
  "managedFields",
  "resourceVersion",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];
/** Identity and what only the server sets belong to nobody. */
const UNTRACKED: FieldSet = withChildren(false, [
  ["f:apiVersion", MEMBER],
  ["f:kind", MEMBER],
  [
    "f:metadata",
    withChildren(
      true,
      UNTRACKED_METADATA.map((name) => [`f:${name}`, MEMBER] as const),
    ),
  ],
]);

/** The fields of an object that managers can own. */
export function trackedFields(object: JsonObject, typing: Typing): FieldSet {
  const { managedFields: _managedFields, ...metadata } = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  return difference(fieldsOf({ ...object, metadata }, typing), UNTRACKED);
}

export function readEntries(object: KubeObject): ManagedEntry[] {
  return (object.metadata.managedFields ?? []).map((entry) => ({
    name: stringAt(entry, "manager"),
    operation: entry["operation"] === "Apply" ? "Apply" : "Update",
    apiVersion: stringAt(entry, "apiVersion"),
    subresource: stringAt(entry, "subresource"),
    time: stringAt(entry, "time"),
    fields: fromFieldsV1(entry["fieldsV1"]),
  }));
}

export function writeEntries(entries: readonly ManagedEntry[]): JsonObject[] {
  return entries
    .filter(({ fields }) => !isEmpty(fields))
    .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fields),
      ...(subresource === "" ? {} : { subresource }),
    }));
}

/** The entries after `manager` turned `old` into `next` by a create, update or patch. */
export function trackUpdate(change: {
  manager: Manager;
  old: KubeObject | undefined;
  next: KubeObject;
  typing: Typing;
  time: string;
}): JsonObject[] {
  const { manager, old, next, typing, time } = change;
  const before = old === undefined ? EMPTY : trackedFields(old, typing);
  const after = trackedFields(next, typing);
  const changed = old === undefined ? after : difference(changedFields(old, next, typing), UNTRACKED);
  const removed = difference(before, after);
  const entries = (old === undefined ? [] : readEntries(old)).map((entry) => ({
    ...entry,
    fields: difference(isSame(entry, manager) ? entry.fields : difference(entry.fields, changed), removed),
  }));
  if (isEmpty(changed)) return writeEntries(entries);
  const own = entries.find((entry) => isSame(entry, manager));
  const fields = union(own?.fields ?? EMPTY, changed);
  return writeEntries([...entries.filter((entry) => entry !== own), { ...manager, time, fields }]);
}

export function isSame(a: Manager, b: Manager): boolean {
  return (
    a.name === b.name && a.operation === b.operation && a.subresource === b.subresource && a.apiVersion === b.apiVersion
  );
}

/** Entries whose times differ alone say the same. */
export function saysTheSame(a: readonly JsonObject[], b: readonly JsonObject[]): boolean {
  const timeless = (entries: readonly JsonObject[]): JsonObject[] => entries.map(({ time: _time, ...rest }) => rest);
  return isEqual(timeless(a), timeless(b));
}
