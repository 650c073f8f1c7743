/** Kubernetes' strategic merge patch for built-in kinds: lists merge by key, `$patch` and friends are directives. */
import { isEqual, isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { goText, goTextOfNoText } from "./go-text.ts";
import { listMergeOf } from "./merge-keys.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM_LIST = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

/** Returns a patched copy. `path` is the kind, then field names. */
export function applyStrategicMergePatch(target: unknown, patch: JsonObject, path: string): JsonObject {
  const directive = patch[PATCH];
  if (directive === "replace") return withoutDirectives(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
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
    else if (isJsonObject(value)) result[key] = applyStrategicMergePatch(result[key], value, inner);
    else result[key] = value;
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const field = key.slice(ORDER.length);
    checkOrder(value, patch[field]);
    reorder({ result, field, order: asArray(value), path });
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
    return patch.filter((item) => !(isJsonObject(item) && item[PATCH] !== undefined)).map(withoutDirectives);
  }
  const result = [...asArray(current)];
  if (merge.by === "value") {
    for (const item of patch) if (!result.some((existing) => isEqual(existing, item))) result.push(item);
    return result;
  }
  for (const item of patch) {
    if (!isJsonObject(item)) throw badRequest(`invalid patch: ${path} must be a list of objects`);
    mergeItem({ result, item, key: merge.key, path });
  }
  return result;
}

function mergeItem(options: { result: unknown[]; item: JsonObject; key: string; path: string }): void {
  const { result, item, key, path } = options;
  const identity = item[key];
  if (identity === undefined) {
    throw new StatusError("Unknown", `map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
  }
  const at = result.findIndex((existing) => isJsonObject(existing) && existing[key] === identity);
  if (item[PATCH] === "delete") {
    if (at >= 0) result.splice(at, 1);
  } else if (at < 0) {
    result.push(applyStrategicMergePatch({}, item, path));
  } else {
    result[at] = applyStrategicMergePatch(result[at], item, path);
  }
}

/** Items named by the directive come in its order; the others stay after the neighbour they had. */
function reorder(options: { result: JsonObject; field: string; order: unknown[]; path: string }): void {
  const { result, field, order, path } = options;
  const list = result[field];
  if (!Array.isArray(list)) return;
  const merge = listMergeOf(`${path}.${field}`);
  const identity = (item: unknown): unknown => (merge.by === "key" && isJsonObject(item) ? item[merge.key] : item);
  const wanted = order.map(identity);
  const rank = (item: unknown): number => wanted.findIndex((candidate) => isEqual(candidate, identity(item)));
  const named = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = list.filter((item) => rank(item) < 0);
  result[field] = [...named, ...others];
}

function withoutDirectives<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutDirectives) as T;
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !isDirective(key) && inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutDirectives(inner)])) as T;
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
