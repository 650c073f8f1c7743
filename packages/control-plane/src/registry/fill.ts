/** Setting what an object leaves open. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";

/** The object under `key`, made if there is none. */
export function ensure(object: JsonObject, key: string): JsonObject {
  if (!isJsonObject(object[key])) object[key] = {};
  return object[key] as JsonObject;
}

/** Sets the fields that are missing; an empty text is as good as none. */
export function fill(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (target[key] === undefined || target[key] === "" || target[key] === null) target[key] = value;
  }
}
