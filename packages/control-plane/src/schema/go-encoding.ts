/** What Go writes of an object of a built-in kind that nobody has said: zeros, empty structs and nulls, one form of quantities. */
import { isJsonObject, textOf } from "../object.ts";
import type { JsonObject } from "../object.ts";
import { canonicalQuantity } from "../quantity.ts";
import {
  additionalSchema,
  fieldSchema,
  itemSchema,
  propertyNames,
  propertySchema,
  requiredNames,
} from "./structural.ts";
import type { Schema } from "./structural.ts";

/** Fills in place what Go does not leave out. */
export function encodeLikeGo(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    if (items !== undefined) for (const item of value) encodeLikeGo(item, items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, zero] of zerosOf(schema)) {
    if (value[name] === undefined) value[name] = isJsonObject(zero) ? {} : zero;
  }
  for (const [name, inner] of Object.entries(value)) {
    const field = fieldSchema(schema, name);
    if (field === undefined || inner === null) continue;
    if (field["format"] === "quantity") value[name] = canonicalQuantity(textOf(inner));
    else if (typeof inner === "object") encodeLikeGo(inner, field);
  }
}

/** An object of the kind of which nothing is said; not to be changed. */
export function emptyObject(schema: Schema): JsonObject {
  const known = EMPTY.get(schema);
  if (known !== undefined) return known;
  const made = {};
  encodeLikeGo(made, schema);
  EMPTY.set(schema, made);
  return made;
}

/** Both follow from the schema alone, and every write asks for them. */
const EMPTY = new WeakMap<Schema, JsonObject>();
const ZEROS = new WeakMap<Schema, (readonly [name: string, zero: unknown])[]>();

function zerosOf(schema: Schema): (readonly [name: string, zero: unknown])[] {
  const known = ZEROS.get(schema);
  if (known !== undefined) return known;
  const required = requiredNames(schema);
  const zeros = propertyNames(schema).flatMap((name) => {
    const property = propertySchema(schema, name) ?? {};
    if ("default" in property) return [[name, property["default"]] as const];
    const isCollection = itemSchema(property) !== undefined || isJsonObject(additionalSchema(property));
    return isCollection && required.includes(name) ? [[name, null] as const] : [];
  });
  ZEROS.set(schema, zeros);
  return zeros;
}
