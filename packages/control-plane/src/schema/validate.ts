/** Validates a value against a structural schema, in the words of the API server. */
import { arrayAt, isEqual, isJsonObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { isFormat } from "./formats.ts";
import { compilePattern } from "./pattern.ts";
import {
  additionalSchema,
  isEmbeddedResource,
  isIntOrString,
  itemSchema,
  preservesUnknown,
  propertySchema,
  requiredNames,
} from "./structural.ts";
import type { Schema } from "./structural.ts";

/** One cause for each broken rule; empty when the value is valid. */
export function validateSchema(value: unknown, schema: Schema, path = ""): StatusCause[] {
  if (value === null && schema["nullable"] === true) return [];
  const wrongType = checkType(value, schema, path);
  if (wrongType !== undefined) {
    return typeof value === "number" && schema["type"] === "integer"
      ? [wrongType, unchecked(`type integer ${formatText(schema)} in ${path}`), ...checkNumber(value, schema, path)]
      : [wrongType];
  }
  const causes = [...checkEnum(value, schema, path), ...checkCombinations(value, schema, path)];
  if (typeof value === "string") causes.push(...checkString(value, schema, path));
  if (typeof value === "number") causes.push(...checkNumber(value, schema, path));
  if (Array.isArray(value)) causes.push(...checkArray(value, schema, path));
  if (isJsonObject(value)) causes.push(...checkObject(value, schema, path));
  return causes;
}

function checkType(value: unknown, schema: Schema, path: string): StatusCause | undefined {
  if (isIntOrString(schema)) {
    const fits = typeof value === "string" || Number.isInteger(value);
    return fits ? undefined : typeInvalid({ value, path, type: "integer,string" });
  }
  const type = schema["type"];
  if (typeof type !== "string" || hasType(value, type)) return undefined;
  return typeInvalid({ value, path, type });
}

/** Whether a value is of a type that a schema may name; whole numbers are of both number types. */
export function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case "object":
      return isJsonObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    default:
      return typeof value === type;
  }
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeInvalid({ value, path, type }: { value: unknown; path: string; type: string }): StatusCause {
  const actual = JSON.stringify(typeName(value));
  return {
    reason: "FieldValueTypeInvalid",
    message: `Invalid value: ${actual}: ${path} in body must be of type ${type}: ${actual}`,
    field: path === "" ? "<nil>" : path,
  };
}

/** What the server's validator says of a number that is not of its type; it names no field. */
function unchecked(what: string): StatusCause {
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: "": Checked value must be of ${what}`,
    field: "<nil>",
  };
}

function formatText({ format }: Schema): string {
  return typeof format === "string" ? `with format ${format}` : "(default format)";
}

function broken(value: unknown, path: string, rule: string): StatusCause {
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(value)}: ${path} in body ${rule}`,
    field: path === "" ? "<nil>" : path,
  };
}

function checkEnum(value: unknown, schema: Schema, path: string): StatusCause[] {
  const allowed = schema["enum"];
  if (!Array.isArray(allowed) || allowed.some((item) => isEqual(item, value))) return [];
  const supported = allowed.map((item) => JSON.stringify(item)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
  return [{ reason: "FieldValueNotSupported", message, field: path }];
}

function checkCombinations(value: unknown, schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const problems = (branch: unknown): StatusCause[] =>
    isJsonObject(branch) ? validateSchema(value, branch, path) : [];
  const valid = (branch: unknown): boolean => problems(branch).length === 0;
  for (const branch of arrayAt(schema, "allOf")) {
    if (isJsonObject(branch)) causes.push(...validateSchema(value, branch, path));
  }
  const anyOf = arrayAt(schema, "anyOf");
  if (anyOf.length > 0 && !anyOf.some(valid)) {
    causes.push(combination(path, "must validate at least one schema (anyOf)"), ...nearest(anyOf.map(problems)));
  }
  const oneOf = arrayAt(schema, "oneOf");
  const matching = oneOf.filter(valid).length;
  if (oneOf.length > 0 && matching !== 1) {
    const found = matching === 0 ? "Found none valid" : `Found ${matching} valid alternatives`;
    causes.push(combination(path, `must validate one and only one schema (oneOf). ${found}`));
    if (matching === 0) causes.push(...nearest(oneOf.map(problems)));
  }
  if (isJsonObject(schema["not"]) && valid(schema["not"])) {
    causes.push(combination(path, "must not validate the schema (not)"));
  }
  return causes;
}

function combination(path: string, rule: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: "": ${JSON.stringify(path)} ${rule}`, field: "<nil>" };
}

/** The problems of the branch that comes closest. */
function nearest(branches: StatusCause[][]): StatusCause[] {
  return branches.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function checkString(value: string, schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  const length = Array.from(value).length;
  if (typeof maxLength === "number" && length > maxLength) {
    const message = `Too long: may not be more than ${maxLength} bytes`;
    causes.push({ reason: "FieldValueTooLong", message, field: path });
  }
  if (typeof minLength === "number" && length < minLength) {
    causes.push(broken(value, path, `should be at least ${minLength} chars long`));
  }
  if (typeof pattern === "string" && compilePattern(pattern)?.test(value) === false) {
    causes.push(broken(value, path, `should match '${pattern}'`));
  }
  if (typeof format === "string" && !isFormat(value, format)) {
    const cause = broken(value, path, `must be of type ${format}: ${JSON.stringify(value)}`);
    causes.push({ ...cause, reason: "FieldValueTypeInvalid" });
  }
  return causes;
}

function checkNumber(value: number, schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minimum, maximum, multipleOf, format } = schema;
  if (typeof minimum === "number") {
    const exclusive = schema["exclusiveMinimum"] === true;
    if (exclusive ? value <= minimum : value < minimum) {
      causes.push(broken(value, path, `should be greater than ${exclusive ? "" : "or equal to "}${minimum}`));
    }
  }
  if (typeof maximum === "number") {
    const exclusive = schema["exclusiveMaximum"] === true;
    if (exclusive ? value >= maximum : value > maximum) {
      causes.push(broken(value, path, `should be less than ${exclusive ? "" : "or equal to "}${maximum}`));
    }
  }
  if (typeof multipleOf === "number" && !Number.isInteger(value / multipleOf)) {
    causes.push(broken(value, path, `should be a multiple of ${multipleOf}`));
  }
  if (format === "int32" && (value > 2 ** 31 - 1 || value < -(2 ** 31))) {
    causes.push(unchecked(`type integer with format int32 in ${path}`));
  }
  return causes;
}

function checkArray(value: unknown[], schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minItems, maxItems } = schema;
  if (typeof maxItems === "number" && value.length > maxItems) {
    const message = tooMany(value.length, maxItems);
    causes.push({ reason: "FieldValueTooMany", message, field: path });
  }
  if (typeof minItems === "number" && value.length < minItems) {
    causes.push(broken(value.length, path, `should have at least ${minItems} items`));
  }
  const items = itemSchema(schema);
  if (items !== undefined) {
    for (const [index, item] of value.entries()) causes.push(...validateSchema(item, items, `${path}[${index}]`));
  }
  return [...causes, ...checkDuplicates(value, schema, path)];
}

function tooMany(count: number, max: number): string {
  return `Too many: ${count}: must have at most ${max} ${max === 1 ? "item" : "items"}`;
}

function checkDuplicates(value: unknown[], schema: Schema, path: string): StatusCause[] {
  const keys = arrayAt(schema, "x-kubernetes-list-map-keys").map(String);
  const identity = (item: unknown): unknown =>
    schema["x-kubernetes-list-type"] === "map" && isJsonObject(item)
      ? Object.fromEntries(keys.map((key) => [key, item[key]]))
      : item;
  if (schema["x-kubernetes-list-type"] !== "map" && schema["x-kubernetes-list-type"] !== "set") return [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    const text = JSON.stringify(identity(item));
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ reason: "FieldValueDuplicate", message: `Duplicate value: ${text}`, field: `${path}[${index}]` }];
  });
}

function checkObject(value: Record<string, unknown>, schema: Schema, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const under = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const { minProperties, maxProperties } = schema;
  const size = Object.keys(value).length;
  if (typeof maxProperties === "number" && size > maxProperties) {
    const message = tooMany(size, maxProperties);
    causes.push({ reason: "FieldValueTooMany", message, field: path });
  }
  if (typeof minProperties === "number" && size < minProperties) {
    causes.push(broken(size, path, `should have at least ${minProperties} properties`));
  }
  for (const name of isEmbeddedResource(schema) ? ["apiVersion", "kind"] : []) {
    if (typeof value[name] !== "string" || value[name] === "") {
      causes.push({ reason: "FieldValueRequired", message: "Required value", field: under(name) });
    }
  }
  for (const name of requiredNames(schema)) {
    if (value[name] === undefined) {
      causes.push({ reason: "FieldValueRequired", message: "Required value", field: under(name) });
    }
  }
  const additional = additionalSchema(schema);
  for (const key of Object.keys(value)) {
    const property = propertySchema(schema, key);
    if (property !== undefined) causes.push(...validateSchema(value[key], property, under(key)));
    else if (isJsonObject(additional) && !preservesUnknown(schema)) {
      causes.push(...validateSchema(value[key], additional, under(key)));
    }
  }
  return causes;
}
