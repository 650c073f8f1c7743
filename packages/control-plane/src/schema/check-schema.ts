/** What is wrong with a schema itself, before any object is held against it. */
import { isJsonObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { compilePattern } from "./pattern.ts";
import {
  additionalSchema,
  isIntOrString,
  itemSchema,
  preservesUnknown,
  propertyNames,
  propertySchema,
} from "./structural.ts";
import type { Schema } from "./structural.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

/** `path` is where the schema stands in the CustomResourceDefinition. */
export function checkSchema(schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { type, pattern } = schema;
  if (type === undefined || type === "") {
    if (!isIntOrString(schema) && !preservesUnknown(schema)) {
      const message = "Required value: must not be empty for specified object fields";
      causes.push({ reason: "FieldValueRequired", message, field: `${path}.type` });
    }
  } else if (typeof type !== "string" || !TYPES.includes(type)) {
    const supported = TYPES.map((name) => JSON.stringify(name)).join(", ");
    const message = `Unsupported value: ${JSON.stringify(type)}: supported values: ${supported}`;
    causes.push({ reason: "FieldValueNotSupported", message, field: `${path}.type` });
  }
  if (pattern !== undefined && (typeof pattern !== "string" || compilePattern(pattern) === undefined)) {
    const message = `Invalid value: ${JSON.stringify(pattern)}: must be a valid regular expression`;
    causes.push({ reason: "FieldValueInvalid", message, field: `${path}.pattern` });
  }
  for (const name of propertyNames(schema)) {
    const property = propertySchema(schema, name);
    if (property !== undefined) causes.push(...checkSchema(property, `${path}.properties[${name}]`));
  }
  const items = itemSchema(schema);
  if (items !== undefined) causes.push(...checkSchema(items, `${path}.items`));
  const additional = additionalSchema(schema);
  if (isJsonObject(additional)) causes.push(...checkSchema(additional, `${path}.additionalProperties`));
  return causes;
}
