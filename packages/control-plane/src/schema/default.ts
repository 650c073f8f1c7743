/** Fills the defaults of a structural schema, and drops nulls that the schema does not allow. */
import { isJsonObject } from "../object.ts";
import { fieldSchema, itemSchema, propertyNames, propertySchema } from "./structural.ts";
import type { Schema } from "./structural.ts";

/** Works in place; defaults are copied, never shared. */
export function applySchemaDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    if (items !== undefined) for (const item of value) applySchemaDefaults(item, items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const key of Object.keys(value)) {
    const property = fieldSchema(schema, key);
    if (property === undefined) continue;
    if (value[key] === null && property["nullable"] !== true) delete value[key];
  }
  for (const key of propertyNames(schema)) {
    const property = propertySchema(schema, key);
    if (property !== undefined && "default" in property && value[key] === undefined) {
      value[key] = structuredClone(property["default"]);
    }
  }
  for (const key of Object.keys(value)) {
    const property = fieldSchema(schema, key);
    if (property !== undefined) applySchemaDefaults(value[key], property);
  }
}
