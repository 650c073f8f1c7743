/** What is wrong with a schema itself, before any object is held against it. */
import { compileRules, hasRules } from "../cel/rules.ts";
import { isJsonObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { compilePattern } from "./pattern.ts";
import { pruneObject } from "./prune.ts";
import {
  additionalSchema,
  isIntOrString,
  itemSchema,
  preservesUnknown,
  propertyNames,
  propertySchema,
} from "./structural.ts";
import type { Schema } from "./structural.ts";
import { validateSchema } from "./validate.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];

type Place = {
  isRoot: boolean;
  /** The innermost list around the schema whose items have no identity over time. */
  uncorrelatable?: string;
};

/** `path` is where the schema stands in the CustomResourceDefinition. */
export function checkSchema(schema: Schema, path: string): StatusCause[] {
  return checkNode(schema, path, { isRoot: true });
}

function checkNode(schema: Schema, path: string, place: Place): StatusCause[] {
  const causes: StatusCause[] = [];
  const inner: Place = { ...place, isRoot: false };
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
    if (property !== undefined) causes.push(...checkNode(property, `${path}.properties[${name}]`, inner));
  }
  const items = itemSchema(schema);
  if (items !== undefined) {
    const hasKeys = schema["x-kubernetes-list-type"] === "map";
    causes.push(...checkNode(items, `${path}.items`, hasKeys ? inner : { uncorrelatable: path, ...inner }));
  }
  const additional = additionalSchema(schema);
  if (isJsonObject(additional)) causes.push(...checkNode(additional, `${path}.additionalProperties`, inner));
  if (causes.length === 0) causes.push(...checkDefault(schema, `${path}.default`));
  // Types of a broken schema mean nothing to its rules.
  if (causes.length === 0 && hasRules(schema)) causes.push(...compileRules(schema, { path, ...place }).causes);
  return causes;
}

/** A default is held to the schema it stands in. */
function checkDefault(schema: Schema, path: string): StatusCause[] {
  const value = schema["default"];
  if (value === undefined) return [];
  const unknown = pruneObject({ value: structuredClone(value) }, { type: "object", properties: { value: schema } });
  if (unknown.length > 0) {
    const message = `Invalid value: ${JSON.stringify(value)}: must not have unknown fields`;
    return [{ reason: "FieldValueInvalid", message, field: path }];
  }
  return validateSchema(value, schema).map(({ field = "", ...cause }) => ({
    ...cause,
    field: field === "<nil>" || field === "" ? path : `${path}.${field}`,
  }));
}
