/** Drops what a structural schema does not name, and says what it dropped. */
import { isJsonObject } from "../object.ts";
import {
  additionalSchema,
  fieldSchema,
  isEmbeddedResource,
  itemSchema,
  preservesUnknown,
  ROOT_FIELDS,
} from "./structural.ts";
import type { Schema } from "./structural.ts";

/**
 * Prunes in place. Returns the paths of the dropped fields, such as `spec.template.fooo`. `keepsRoot`: the schema has
 * no say over apiVersion, kind and metadata.
 */
export function pruneObject(object: Record<string, unknown>, schema: Schema, keepsRoot = true): string[] {
  const dropped: string[] = [];
  prune(object, { schema, path: "", isResource: keepsRoot, dropped });
  return dropped;
}

type At = { schema: Schema; path: string; isResource: boolean; dropped: string[] };

function prune(value: unknown, at: At): void {
  const { schema, path, dropped } = at;
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    if (items === undefined) return;
    for (const [index, item] of value.entries()) {
      prune(item, { schema: items, path: `${path}[${index}]`, isResource: isEmbeddedResource(items), dropped });
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const additional = additionalSchema(schema);
  for (const key of Object.keys(value)) {
    if (at.isResource && ROOT_FIELDS.includes(key)) continue;
    const property = fieldSchema(schema, key);
    const innerPath = path === "" ? key : `${path}.${key}`;
    if (property !== undefined) {
      prune(value[key], { schema: property, path: innerPath, isResource: isEmbeddedResource(property), dropped });
    } else if (additional !== true && !preservesUnknown(schema)) {
      delete value[key];
      dropped.push(innerPath);
    }
  }
}
