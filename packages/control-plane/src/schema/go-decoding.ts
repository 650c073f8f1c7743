/** What Go's JSON decoder would not take into a built-in kind, in its words. */
import { isJsonObject } from "../object.ts";
import { additionalSchema, isIntOrString, itemSchema, preservesUnknown, propertySchema } from "./structural.ts";
import type { Schema } from "./structural.ts";
import { hasType } from "./validate.ts";

export type Place = {
  /** The Go type that holds the field. */
  owner: string;
  path: string;
  say: Say;
};

const QUANTITY = /^[+-]?[0-9.]+([eEinumkKMGTP]*[-+]?[0-9]*)$/;
export const QUANTITY_RULE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Marks times that Go reads with exactly six digits after the point. */
export const IS_MICRO_TIME = Symbol("micro-time");
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(.*)$/;

/** Says of a value why it does not fit. */
export type Say = (value: unknown, schema: Schema, place: Place) => string;

/** Drops what Go reads as nothing, and does not write again: nulls, empty lists and maps; in place. Returns what is wrong with the first value that does not fit. */
export function decodeLikeGo(
  value: unknown,
  schema: Schema,
  place: Place = { owner: "", path: "", say: sayInJson },
): string | undefined {
  const problem = misfit(value, schema, place);
  if (problem !== undefined) return problem;
  const owner = typeof schema["title"] === "string" ? (schema["title"].split(".").at(-1) ?? "") : place.owner;
  const items = itemSchema(schema);
  if (Array.isArray(value)) {
    return items && firstOf(value, (item) => decodeLikeGo(item, items, { ...place, owner }));
  }
  if (!isJsonObject(value)) return undefined;
  const additional = additionalSchema(schema);
  return firstOf(Object.keys(value), (key) => {
    const inner = value[key];
    const property = propertySchema(schema, key);
    if (property === undefined) {
      if (!isJsonObject(additional)) return undefined;
      if (inner === null && additional["type"] === "string") value[key] = "";
      return decodeLikeGo(inner, additional, { ...place, owner });
    }
    if (inner === null || isEmptyCollection(inner, property)) {
      delete value[key];
      return undefined;
    }
    const path = place.path === "" ? key : `${place.path}.${key}`;
    return decodeLikeGo(inner, property, { owner, path, say: place.say });
  });
}

function isEmptyCollection(value: unknown, schema: Schema): boolean {
  if (Array.isArray(value)) return value.length === 0 && schema["type"] === "array";
  return isJsonObject(value) && isJsonObject(additionalSchema(schema)) && Object.keys(value).length === 0;
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function misfit(value: unknown, schema: Schema, place: Place): string | undefined {
  if (value === null || preservesUnknown(schema)) return undefined;
  const { format } = schema;
  if (format === "quantity") {
    return typeof value === "number" || (typeof value === "string" && QUANTITY.test(value)) ? undefined : QUANTITY_RULE;
  }
  if (fits(value, schema)) return typeof value === "string" ? unreadableText(value, schema) : undefined;
  return place.say(value, schema, place);
}

function sayInJson(value: unknown, schema: Schema, { owner, path }: Place): string {
  const found = Number.isInteger(value) || typeof value !== "number" ? goTypeName(value) : `number ${value}`;
  const target =
    path === "" ? `value of type ${goType(schema)}` : `struct field ${owner}.${path} of type ${goType(schema)}`;
  return `json: cannot unmarshal ${found} into Go ${target}`;
}

/** As Go's converter from maps to structs has it, which carries out strategic merge patches. */
export function sayInConversion(value: unknown, schema: Schema): string {
  const found = Array.isArray(value) ? "slice" : isJsonObject(value) ? "map" : goScalar(value);
  if (itemSchema(schema) !== undefined) return `cannot restore slice from ${found}`;
  if (isJsonObject(additionalSchema(schema))) return `cannot restore map from ${found}`;
  if (schema["type"] === "object") return `cannot restore struct from: ${found}`;
  const wanted = goType(schema);
  return typeof value === "object" ? `unrecognized type: ${wanted}` : `cannot convert ${found} to ${wanted}`;
}

export function goScalar(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return goTypeName(value);
}

function unreadableText(text: string, schema: Schema): string | undefined {
  const { format } = schema;
  if (format === "byte") return unreadableBase64(text);
  if (format !== "date-time") return undefined;
  return IS_MICRO_TIME in schema ? unreadableMicroTime(text) : unreadableTime(text, "2006-01-02T15:04:05Z07:00");
}

function unreadableBase64(text: string): string | undefined {
  const wrong = text.search(/[^A-Za-z0-9+/=\r\n]|=(?!=?[\r\n]*$)/);
  if (wrong >= 0) return `illegal base64 data at input byte ${wrong}`;
  const { length } = text.replace(/[\r\n]/g, "");
  return length % 4 === 0 ? undefined : `illegal base64 data at input byte ${length - (length % 4)}`;
}

function unreadableTime(text: string, layout: string): string | undefined {
  return Number.isNaN(Date.parse(text))
    ? `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as "2006"`
    : undefined;
}

function unreadableMicroTime(text: string): string | undefined {
  const layout = "2006-01-02T15:04:05.000000Z07:00";
  const [, micros, rest = ""] = MICRO_TIME.exec(text) ?? [];
  if (rest === "" || micros !== undefined) return unreadableTime(text, layout);
  return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ".000000"`;
}

function fits(value: unknown, schema: Schema): boolean {
  if (isIntOrString(schema)) return typeof value === "string" || typeof value === "number";
  const { type } = schema;
  return typeof type !== "string" || hasType(value, type);
}

/** What Go's JSON decoder calls the value's type. */
export function goTypeName(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

function goType(schema: Schema): string {
  if (isIntOrString(schema)) return "int32";
  const { title, type, format } = schema;
  const items = itemSchema(schema);
  const additional = additionalSchema(schema);
  if (typeof title === "string") return title.replace(/^.*\//, "");
  if (items !== undefined) return `[]${goType(items)}`;
  if (isJsonObject(additional)) return `map[string]${goType(additional)}`;
  if (format === "quantity") return "resource.Quantity";
  if (format === "date-time") return "v1.Time";
  if (format === "byte") return "[]uint8";
  if (type === "integer" && typeof format === "string") return format;
  return type === "boolean" ? "bool" : String(type);
}
