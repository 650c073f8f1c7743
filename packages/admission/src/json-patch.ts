/** JSON Patch (RFC 6902) between two JSON values: objects are compared member by member, lists are replaced whole. */
import { isDeepStrictEqual } from "node:util";

export type Operation = { op: "add" | "replace"; path: string; value: unknown } | { op: "remove"; path: string };

/** What turns `before` into `after`. Every path it names, or the parent of one it adds, exists in `before`. */
export function createPatch(before: unknown, after: unknown, path = ""): Operation[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isPlainObject(before) || !isPlainObject(after)) return [{ op: "replace", path, value: after }];
  const operations: Operation[] = [];
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) operations.push({ op: "remove", path: `${path}/${escape(key)}` });
  }
  for (const [key, value] of Object.entries(after)) {
    const at = `${path}/${escape(key)}`;
    if (Object.hasOwn(before, key)) operations.push(...createPatch(before[key], value, at));
    else operations.push({ op: "add", path: at, value });
  }
  return operations;
}

const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
