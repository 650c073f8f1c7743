/** Sets of field paths, the currency of server-side apply. Their outer form is FieldsV1. Values are never changed. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";

/** `isMember`: the path itself is in the set. Keys are FieldsV1's: `f:name`, `k:{"name":"x"}`, `v:"x"`. */
export type FieldSet = { isMember: boolean; children: ReadonlyMap<string, FieldSet> };

export const EMPTY: FieldSet = { isMember: false, children: new Map() };
export const MEMBER: FieldSet = { isMember: true, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.isMember && set.children.size === 0;
}

export function withChildren(isMember: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  const kept = new Map<string, FieldSet>();
  for (const [key, child] of children) if (!isEmpty(child)) kept.set(key, child);
  return kept.size > 0 ? { isMember, children: kept } : isMember ? MEMBER : EMPTY;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map(a.children);
  for (const [key, child] of b.children) children.set(key, union(children.get(key) ?? EMPTY, child));
  return { isMember: a.isMember || b.isMember, children };
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children: [string, FieldSet][] = [];
  for (const [key, child] of a.children) children.push([key, difference(child, b.children.get(key) ?? EMPTY)]);
  return withChildren(a.isMember && !b.isMember, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children: [string, FieldSet][] = [];
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (other !== undefined) children.push([key, intersection(child, other)]);
  }
  return withChildren(a.isMember && b.isMember, children);
}

/** The paths in the set as messages name them: `.spec.containers[name="app"].image`. */
export function pathsOf(set: FieldSet, prefix = ""): string[] {
  return [
    ...(set.isMember ? [prefix] : []),
    ...[...set.children]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, child]) => pathsOf(child, `${prefix}${formatKey(key)}`)),
  ];
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: JsonObject = set.isMember && set.children.size > 0 ? { ".": {} } : {};
  for (const [key, child] of set.children) fields[key] = toFieldsV1(child);
  return fields;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  if (!isJsonObject(fields)) return EMPTY;
  const children: [string, FieldSet][] = [];
  for (const key of Object.keys(fields)) if (key !== ".") children.push([key, fromFieldsV1(fields[key])]);
  return withChildren(isMemberIn(fields), children);
}

/** Whether FieldsV1 and the set have a path in common. */
export function overlaps(fields: unknown, set: FieldSet): boolean {
  if (!isJsonObject(fields)) return false;
  if (set.isMember && isMemberIn(fields)) return true;
  for (const [key, child] of set.children) if (overlaps(fields[key], child)) return true;
  return false;
}

/** Whether FieldsV1 have every path of the set. */
export function includesAll(fields: unknown, set: FieldSet): boolean {
  if (!isJsonObject(fields)) return isEmpty(set);
  if (set.isMember && !isMemberIn(fields)) return false;
  for (const [key, child] of set.children) if (!includesAll(fields[key], child)) return false;
  return true;
}

function isMemberIn(fields: JsonObject): boolean {
  return "." in fields || Object.keys(fields).length === 0;
}

/** `.name`, `[name="x"]`, `[="x"]`. */
export function formatKey(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith("f:")) return `.${rest}`;
  if (key.startsWith("v:")) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
