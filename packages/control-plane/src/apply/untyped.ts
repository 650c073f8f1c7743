/** What of an apply configuration does not fit its kind's schema, in the words of the API server's merge. */
import { isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { goText } from "../patch/go-text.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { formatKey } from "./field-set.ts";
import { itemKey, listTypeOf } from "./typing.ts";
import type { ListType } from "./typing.ts";
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
    yield `${path}: expected ${expected}, got ${got(value, String(schema["type"]))}`;
    return;
  }
  const items = itemSchema(schema);
  if (Array.isArray(value) && items !== undefined) {
    yield* itemProblems(value, { type: listTypeOf(schema), items, path });
  }
  if (!isJsonObject(value)) return;
  const additional = additionalSchema(schema);
  for (const [key, inner] of Object.entries(value)) {
    const known = fieldSchema(schema, key);
    if (known !== undefined) yield* problemsAt(inner, known, `${path}.${key}`);
    else if (additional !== true && !preservesUnknown(schema)) yield `${path}.${key}: field not declared in schema`;
  }
}

type ListAt = { type: ListType; items: Schema; path: string };

/** In a list with keys, and in a set, each item is there once, and problems are told by its key. */
function* itemProblems(list: readonly unknown[], { type, items, path }: ListAt): Generator<string> {
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    if (type.kind === "atomic") {
      yield* problemsAt(item, items, `${path}[${index}]`);
      continue;
    }
    const unusable = type.kind === "map" ? unusableItem(item, type) : undefined;
    if (unusable !== undefined) {
      yield `${path}: element ${index}: associative list with keys ${unusable}`;
      return;
    }
    const key = itemKey(item, type);
    if (seen.has(key)) yield `${path}: duplicate entries for key ${formatKey(key)}`;
    seen.add(key);
    yield* problemsAt(item, items, `${path}${formatKey(key)}`);
  }
}

function unusableItem(item: unknown, { keys }: ListType & { kind: "map" }): string | undefined {
  if (item === null) return "may not have a null element";
  if (!isJsonObject(item)) return "may not have non-map elements";
  if (keys.some(({ name, fallback }) => (item[name] ?? fallback) !== undefined)) return undefined;
  const names = keys.map(({ name }) => JSON.stringify(name)).join(" ");
  return `has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`;
}

function expectedFor(value: unknown): string | undefined {
  return EXPECTED[Array.isArray(value) ? "array" : typeof value];
}

function got(value: unknown, wanted: string): string {
  if (wanted === "integer" || wanted === "number") return goTypeName(value);
  if (typeof value === "object" || wanted === "boolean") return `&{${goText(value)}}`;
  return `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
}
