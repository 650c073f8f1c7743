/** `metadata.managedFields`: who set which field, kept with every write, and the conflicts that follow from it. */
import { isEqual, isJsonObject, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { changedFields, fieldsOf, removedFields } from "./field-values.ts";
import {
  difference,
  EMPTY,
  fromFieldsV1,
  includesAll,
  isEmpty,
  MEMBER,
  overlaps,
  toFieldsV1,
  union,
  withChildren,
} from "./field-set.ts";
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
  return difference(fieldsOf(withoutManagedFields(object), typing), UNTRACKED);
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const { managedFields: _managedFields, ...metadata } = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  return { ...object, metadata };
}

export function readEntries(object: KubeObject): ManagedEntry[] {
  return (object.metadata.managedFields ?? []).map(readEntry);
}

function readEntry(entry: JsonObject): ManagedEntry {
  return { ...managerIn(entry), time: stringAt(entry, "time"), fields: fromFieldsV1(entry["fieldsV1"]) };
}

function managerIn(entry: JsonObject): Manager {
  return {
    name: stringAt(entry, "manager"),
    operation: entry["operation"] === "Apply" ? "Apply" : "Update",
    apiVersion: stringAt(entry, "apiVersion"),
    subresource: stringAt(entry, "subresource"),
  };
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

/** The entries after `manager` turned `old`, of which a new object has nothing, into `next` by a create, update or patch. */
export function trackUpdate(change: {
  manager: Manager;
  old: JsonObject;
  next: KubeObject;
  typing: Typing;
  time: string;
}): JsonObject[] {
  const { manager, old, next, typing, time } = change;
  const [before, after] = [withoutManagedFields(old), withoutManagedFields(next)];
  const changed = difference(changedFields(before, after, typing), UNTRACKED);
  const removed = difference(removedFields(before, after, typing), UNTRACKED);
  // Who sends managedFields along says who owned what before.
  const given = next.metadata.managedFields ?? [];
  const sent = given.every(isEntry) ? given : [];
  const entries = sent.length > 0 ? sent : objectsAt(old["metadata"], "managedFields");
  // Most writes touch few entries; those they leave alone are not even read.
  const kept = entries.flatMap((entry) => {
    const isOwn = isSame(managerIn(entry), manager);
    const lost = isOwn ? removed : union(changed, removed);
    if (!overlaps(entry["fieldsV1"], lost)) return [entry];
    return writeEntries([{ ...readEntry(entry), fields: difference(fromFieldsV1(entry["fieldsV1"]), lost) }]);
  });
  if (isEmpty(changed)) return kept;
  const own = kept.find((entry) => isSame(managerIn(entry), manager));
  const others = kept.filter((entry) => entry !== own);
  if (own !== undefined && includesAll(own["fieldsV1"], changed)) return [...others, { ...own, time }];
  const fields = union(own === undefined ? EMPTY : fromFieldsV1(own["fieldsV1"]), changed);
  return [...others, ...writeEntries([{ ...manager, time, fields }])];
}

/** What cannot be read as one is passed over, with all that was sent along. */
function isEntry({ operation, fieldsType }: JsonObject): boolean {
  return (operation === "Apply" || operation === "Update") && fieldsType === "FieldsV1";
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
