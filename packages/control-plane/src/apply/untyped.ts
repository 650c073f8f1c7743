/** What of an apply configuration does not fit its kind's schema, in the words of the API server's merge. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { goText } from "../patch/go-text.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import {
  additionalSchema,
  fieldSchema,
  isIntOrString,
  itemSchema,
  preservesUnknown,
  ROOT_FIELDS,
} from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";

/** `.spec.size: field not declared in schema`, `.data: expected map, got &{[a]}`. */
export function* untyped(configuration: JsonObject, schema: Schema, isCustom: boolean): Generator<string> {
  if (!isCustom) return yield* problemsAt(configuration, schema, "");
  const { metadata, ...rest } = configuration;
  yield* problemsAt(metadata, builtInSchema("meta/v1.ObjectMeta") ?? {}, ".metadata");
  const fields = Object.entries(rest).filter(([key]) => !ROOT_FIELDS.includes(key));
  yield* problemsAt(Object.fromEntries(fields), schema, "");
}

const EXPECTED: Record<string, string> = {
  array: "list",
  object: "map",
  string: "string",
  boolean: "boolean",
  integer: "numeric (int or float)",
  number: "numeric (int or float)",
};

function* problemsAt(value: unknown, schema: Schema, path: string): Generator<string> {
  if (value === null || value === undefined || isIntOrString(schema) || schema["format"] === "quantity") return;
  const expected = EXPECTED[String(schema["type"])];
  if (expected !== undefined && expected !== expectedFor(value)) {
    yield `${path}: expected ${expected}, got ${got(value)}`;
    return;
  }
  const items = itemSchema(schema);
  if (Array.isArray(value) && items !== undefined) {
    for (const [index, item] of value.entries()) yield* problemsAt(item, items, `${path}[${index}]`);
  }
  if (!isJsonObject(value)) return;
  const additional = additionalSchema(schema);
  for (const [key, inner] of Object.entries(value)) {
    const known = fieldSchema(schema, key);
    if (known !== undefined) yield* problemsAt(inner, known, `${path}.${key}`);
    else if (additional !== true && !preservesUnknown(schema)) yield `${path}.${key}: field not declared in schema`;
  }
}

function expectedFor(value: unknown): string | undefined {
  return EXPECTED[Array.isArray(value) ? "array" : typeof value];
}

function got(value: unknown): string {
  if (typeof value === "object") return `&{${goText(value)}}`;
  return `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
}
