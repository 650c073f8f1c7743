/** JSON merge patches (RFC 7396) as differences. */
import type { MergePatch } from "./machine/decision.ts";

/** The patch that makes `after` of `before`; undefined when they are equal. Lists are replaced whole. */
export function mergePatchFrom(before: object, after: object): MergePatch | undefined {
  const [old, wanted] = [before as MergePatch, after as MergePatch];
  const changes = [...new Set([...Object.keys(old), ...Object.keys(wanted)])]
    .map((key) => [key, key in wanted ? changeOf(old[key], wanted[key]) : null] as const)
    .filter(([, change]) => change !== undefined);
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

function changeOf(before: unknown, after: unknown): unknown {
  if (isObject(before) && isObject(after)) return mergePatchFrom(before, after);
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
