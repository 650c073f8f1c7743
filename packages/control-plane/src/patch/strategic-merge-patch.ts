/** Kubernetes' strategic merge patch for built-in kinds: lists merge by key, `$patch` and friends are directives. */
import { isEqual, isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { goText, goTextOfNoText } from "./go-text.ts";
import { listMergeOf } from "./merge-keys.ts";
import type { ListMerge } from "./merge-keys.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM_LIST = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

/** Returns a patched copy. `path` is the kind, then field names. */
export function applyStrategicMergePatch(target: unknown, patch: JsonObject, path: string): JsonObject {
  const directive = patch[PATCH];
  if (directive === "replace") {
    const { [PATCH]: _directive, ...rest } = patch;
    return withoutDirectives(rest) ?? {};
  }
  if (directive === "delete") return {};
  if (directive !== undefined) {
    throw new StatusError("Unknown", `unknown patch type: ${goTextOfNoText(directive)} in map: ${goText(patch)}`);
  }
  let result: JsonObject = isJsonObject(target) ? { ...target } : {};
  const retained = patch[RETAIN_KEYS];
  if (retained !== undefined) {
    checkRetained(retained, patch);
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM_LIST)) {
      const field = key.slice(DELETE_FROM_LIST.length);
      result[field] = asArray(result[field]).filter((item) => !asArray(value).some((gone) => isEqual(gone, item)));
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    const inner = `${path}.${key}`;
    if (value === null) delete result[key];
    else if (Array.isArray(value)) result[key] = mergeList(result[key], value, inner);
    else if (isJsonObject(value)) {
      const merged = isJsonObject(result[key])
        ? applyStrategicMergePatch(result[key], value, inner)
        : withoutDirectives(value);
      if (merged === undefined) delete result[key];
      else result[key] = merged;
    } else result[key] = value;
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const field = key.slice(ORDER.length);
    checkOrder(value, patch[field]);
    const list = result[field];
    if (!Array.isArray(list)) continue;
    const before = asArray(isJsonObject(target) ? target[field] : undefined);
    result[field] = inOrder({ list, order: asArray(value), before, merge: listMergeOf(`${path}.${field}`) });
  }
  return result;
}

function isDirective(key: string): boolean {
  return [PATCH, RETAIN_KEYS].includes(key) || key.startsWith(DELETE_FROM_LIST) || key.startsWith(ORDER);
}

/** It names all that the patch itself says. */
function checkRetained(retained: unknown, patch: JsonObject): asserts retained is unknown[] {
  const said = Object.keys(patch).filter((key) => patch[key] !== null && !isDirective(key));
  if (!Array.isArray(retained) || !said.every((key) => retained.includes(key))) {
    throw badRequest("invalid patch format of retainKeys");
  }
}

function checkOrder(order: unknown, list: unknown): void {
  if (!Array.isArray(order)) {
    throw new StatusError("Unknown", `expected a []interface {}, but received a ${goTypeName(order)}`);
  }
  const scalars = asArray(list).filter((item) => !isJsonObject(item));
  if (scalars.every((item) => order.includes(item))) return;
  const message = `The order in patch list:\n${goText(list)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`;
  throw new StatusError("Unknown", message);
}

function mergeList(current: unknown, patch: unknown[], path: string): unknown[] {
  const merge = listMergeOf(path);
  const replaces = patch.some((item) => isJsonObject(item) && item[PATCH] === "replace");
  // To a list that is not there yet there is nothing to merge by key.
  if (replaces || current === undefined || merge.by === "replace") {
    return itemsOf(patch);
  }
  const before = asArray(current);
  const list = [...before];
  for (const item of patch) {
    if (merge.by === "value") {
      if (!list.some((existing) => isEqual(existing, item))) list.push(item);
      continue;
    }
    if (!isJsonObject(item)) throw badRequest(`invalid patch: ${path} must be a list of objects`);
    mergeItem({ result: list, item, key: merge.key, path });
  }
  return inOrder({ list, order: patch, before, merge });
}

function mergeItem(options: { result: unknown[]; item: JsonObject; key: string; path: string }): void {
  const { result, item, key, path } = options;
  const identity = item[key];
  if (identity === undefined) {
    throw new StatusError("Unknown", `map: ${goText(item)} does not contain declared merge key: ${key}`);
  }
  const find = (): number => result.findIndex((existing) => isJsonObject(existing) && existing[key] === identity);
  const at = find();
  if (item[PATCH] === "merge") throw new StatusError("Unknown", "merging lists cannot yet be specified in the patch");
  if (item[PATCH] === "delete") {
    for (let gone = at; gone >= 0; gone = find()) result.splice(gone, 1);
  } else if (at < 0) {
    result.push(applyStrategicMergePatch({}, item, path));
  } else {
    result[at] = applyStrategicMergePatch(result[at], item, path);
  }
}

type Ordering = { list: unknown[]; order: unknown[]; before: unknown[]; merge: ListMerge };

/**
 * Items that the patch names come in its order; each of the others goes ahead of the next of those if it was ahead of
 * it before.
 */
function inOrder({ list, order, before, merge }: Ordering): unknown[] {
  const identity = (item: unknown): unknown => (merge.by === "key" && isJsonObject(item) ? item[merge.key] : item);
  const rankIn = (items: unknown[]): ((item: unknown) => number) => {
    const identities = items.map(identity);
    return (item) => identities.findIndex((candidate) => isEqual(candidate, identity(item)));
  };
  const [rank, former] = [rankIn(order), rankIn(before)];
  const named = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = list.filter((item) => rank(item) < 0);
  const result: unknown[] = [];
  for (const item of named) {
    const place = former(item);
    while (others[0] !== undefined && former(others[0]) < place) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}

/** What a patch says where there is nothing yet; what has a `$patch` in it is not even that. */
function withoutDirectives(value: JsonObject): JsonObject | undefined {
  if (value[PATCH] !== undefined) return undefined;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (isDirective(key) || inner === null) return [];
    if (Array.isArray(inner)) return [[key, itemsOf(inner)]];
    const kept = isJsonObject(inner) ? withoutDirectives(inner) : inner;
    return kept === undefined ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}

function itemsOf(list: unknown[]): unknown[] {
  return list
    .map((item) => (Array.isArray(item) ? itemsOf(item) : isJsonObject(item) ? withoutDirectives(item) : item))
    .filter((item) => item !== undefined);
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
