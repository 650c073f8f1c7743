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
  return { isMember, children: new Map([...children].filter(([, child]) => !isEmpty(child))) };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const keys = new Set([...a.children.keys(), ...b.children.keys()]);
  return withChildren(
    a.isMember || b.isMember,
    [...keys].map((key) => [key, union(a.children.get(key) ?? EMPTY, b.children.get(key) ?? EMPTY)] as const),
  );
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return withChildren(
    a.isMember && !b.isMember,
    [...a.children].map(([key, child]) => [key, difference(child, b.children.get(key) ?? EMPTY)] as const),
  );
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return withChildren(
    a.isMember && b.isMember,
    [...a.children].map(([key, child]) => [key, intersection(child, b.children.get(key) ?? EMPTY)] as const),
  );
}

/** The paths in the set as messages name them: `.spec.containers[name="app"].image`. */
export function pathsOf(set: FieldSet, prefix = ""): string[] {
  return [
    ...(set.isMember ? [prefix] : []),
    ...[...set.children].flatMap(([key, child]) => pathsOf(child, `${prefix}${formatKey(key)}`)),
  ];
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const fields = Object.fromEntries([...set.children].map(([key, child]) => [key, toFieldsV1(child)]));
  return set.isMember && set.children.size > 0 ? { ".": {}, ...fields } : fields;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  if (!isJsonObject(fields)) return EMPTY;
  const keys = Object.keys(fields).filter((key) => key !== ".");
  return withChildren(
    "." in fields || keys.length === 0,
    keys.map((key) => [key, fromFieldsV1(fields[key])] as const),
  );
}

function formatKey(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith("f:")) return `.${rest}`;
  if (key.startsWith("v:")) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
