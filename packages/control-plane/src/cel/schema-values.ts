/** How a structural schema's values look to CEL: their types for the check, themselves for the run. */
import { Duration } from "@marcbachmann/cel-js/evaluator";
import { isJsonObject } from "../object.ts";
import { parseDuration } from "../schema/duration.ts";
import {
  additionalSchema,
  isEmbeddedResource,
  isIntOrString,
  itemSchema,
  preservesUnknown,
  propertyNames,
  propertySchema,
} from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";
import { toCelValue } from "./cel.ts";
import type { CelType } from "./cel.ts";

/** Returns the type's name; appends the object types it rests on to `types`. */
export function celTypeOf(schema: Schema, types: CelType[]): string {
  if (isIntOrString(schema) || schema["nullable"] === true) return "dyn";
  switch (schema["type"]) {
    case "integer":
      return "int";
    case "number":
      return "double";
    case "boolean":
      return "bool";
    case "string":
      return textType(schema);
    case "array": {
      const items = itemSchema(schema);
      return items === undefined ? "list<dyn>" : `list<${celTypeOf(items, types)}>`;
    }
    case "object":
      return objectType(schema, types);
    default:
      return "dyn";
  }
}

function textType(schema: Schema): string {
  switch (schema["format"]) {
    case "date":
    case "date-time":
      return "google.protobuf.Timestamp";
    case "duration":
      return "google.protobuf.Duration";
    case "byte":
      return "bytes";
    default:
      return "string";
  }
}

function objectType(schema: Schema, types: CelType[]): string {
  const additional = additionalSchema(schema);
  if (isJsonObject(additional)) return `map<string, ${celTypeOf(additional, types)}>`;
  const names = propertyNames(schema);
  if (additional || (names.length === 0 && preservesUnknown(schema))) return "dyn";
  const fields: Record<string, string> = {};
  for (const name of names) {
    const property = propertySchema(schema, name);
    const escaped = escapeName(name);
    if (property !== undefined && escaped !== undefined) fields[escaped] = celTypeOf(property, types);
  }
  if (isEmbeddedResource(schema)) {
    const metadata = `Metadata${types.length}`;
    types.push({ name: metadata, fields: { name: "string", generateName: "string" } });
    Object.assign(fields, { apiVersion: "string", kind: "string", metadata });
  }
  const name = `Object${types.length}`;
  types.push({ name, fields });
  return name;
}

/** The value with numbers, times and names as CEL has them. */
export function celValueOf(value: unknown, schema: Schema): unknown {
  if (value === null || isIntOrString(schema)) return toCelValue(value);
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    return items === undefined ? toCelValue(value) : value.map((item) => celValueOf(item, items));
  }
  if (isJsonObject(value)) return objectValue(value, schema);
  if (typeof value === "number") return schema["type"] === "number" ? value : toCelValue(value);
  if (typeof value !== "string" || schema["type"] !== "string") return value;
  switch (textType(schema)) {
    case "google.protobuf.Timestamp":
      return new Date(value);
    case "google.protobuf.Duration":
      return toDuration(value);
    case "bytes":
      return Uint8Array.from(Buffer.from(value, "base64"));
    default:
      return value;
  }
}

const NANOS = 1_000_000_000n;

function toDuration(text: string): Duration {
  const nanos = parseDuration(text) ?? 0n;
  return new Duration(nanos / NANOS, Number(nanos % NANOS));
}

function objectValue(value: Record<string, unknown>, schema: Schema): unknown {
  const additional = additionalSchema(schema);
  if (isJsonObject(additional)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, celValueOf(inner, additional)]));
  }
  const isOpen = propertyNames(schema).length === 0 && !isEmbeddedResource(schema);
  if (isOpen) return toCelValue(value);
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const property = propertySchema(schema, key);
    const escaped = escapeName(key);
    if (escaped === undefined) return [];
    return [[escaped, property === undefined ? toCelValue(inner) : celValueOf(inner, property)]];
  });
  return Object.fromEntries(entries);
}

/** The longest list, map or text in a value. */
export function longestIn(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return Math.max(value.length, ...value.map(longestIn));
  if (!isJsonObject(value)) return 0;
  const inner = Object.values(value);
  return Math.max(inner.length, ...inner.map(longestIn));
}

const KEYWORDS =
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  );
const ESCAPES: Record<string, string> = { __: "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__" };

/** The identifier a property goes by in CEL; `undefined` when it cannot have one. */
function escapeName(name: string): string | undefined {
  if (KEYWORDS.includes(name)) return `__${name}__`;
  const escaped = name.replace(/__|[./-]/g, (part) => ESCAPES[part] ?? part);
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}
