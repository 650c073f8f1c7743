/** RFC 7386 JSON Merge Patch. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";

/** Returns a patched copy; null deletes, arrays replace. */
export function applyMergePatch(target: unknown, patch: JsonObject): JsonObject {
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = isJsonObject(value) ? applyMergePatch(result[key], value) : value;
  }
  return result;
}
