/**
 * Schemas of the built-in kinds, read from the generated facts. A fact is `name[!] type [@patch strategy[:key]] [~default]`:
 * `!` required, `[keys]type` a list (`=` a set, `*` replaced as one), `{}type` a map, `=name` an object that is always
 * there, `name` one that may be missing; a leading `*` marks an object that is replaced as one. What is there without
 * having been said is the default, of a time null.
 */
import type { JsonObject } from "../object.ts";
import { SCHEMAS } from "./built-in-schemas.generated.ts";
import { longName } from "./schema-names.ts";
import { IS_MICRO_TIME } from "./go-decoding.ts";
import type { Schema } from "./structural.ts";

const REFERENCE = "#/components/schemas/";
const RESOLVED = new Map<string, Schema>();

/** The schema named so, with all it refers to in place; `undefined` for a name without facts. It may contain itself.
 * Its title is its name, `core/v1.Pod`. */
export function builtInSchema(name: string): Schema | undefined {
  const text = SCHEMAS[name];
  if (text === undefined) return undefined;
  const before = RESOLVED.get(name);
  if (before !== undefined) return before;
  const schema: Schema = {};
  RESOLVED.set(name, schema);
  return Object.assign(
    schema,
    { title: name },
    readSchema(text, (inner) => builtInSchema(inner) ?? {}),
  );
}

/** The schemas under the names, and those they refer to, as an OpenAPI document has them; keys are their long names. */
export function builtInDefinitions(names: readonly string[]): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  const add = (name: string): void => {
    const text = SCHEMAS[name];
    if (text === undefined || longName(name) in found) return;
    found[longName(name)] = {};
    // No document says that of times.
    found[longName(name)] = readSchema(text.replaceAll(" ~null", ""), (inner) => {
      add(inner);
      return { allOf: [{ $ref: `${REFERENCE}${longName(inner)}` }] };
    });
  };
  for (const name of names) add(name);
  return found;
}

type Refer = (name: string) => Schema;

function readSchema(text: string, refer: Refer): Schema {
  const facts = text === "" ? [] : text.split("; ");
  const isAtomic = facts[0] === "*";
  const required: string[] = [];
  const properties: JsonObject = {};
  for (const fact of isAtomic ? facts.slice(1) : facts) {
    const space = fact.indexOf(" ");
    const head = fact.slice(0, space);
    const name = head.replace(/!$/, "");
    if (head !== name) required.push(name);
    properties[name] = readField(fact.slice(space + 1), refer);
  }
  return {
    type: "object",
    ...(required.length === 0 ? {} : { required }),
    properties,
    ...(isAtomic ? { "x-kubernetes-map-type": "atomic" } : {}),
  };
}

const FIELD = /^(\S+)(?: @([\w,]+)(?::(\w+))?)?(?: ~(.+))?$/;

function readField(text: string, refer: Refer): Schema {
  const [, type = "any", strategy, key, fallback] = FIELD.exec(text) ?? [];
  return {
    ...readType(type, refer),
    ...(strategy === undefined ? {} : { "x-kubernetes-patch-strategy": strategy }),
    ...(key === undefined ? {} : { "x-kubernetes-patch-merge-key": key }),
    ...(fallback === undefined ? {} : { default: JSON.parse(fallback) as unknown }),
  };
}

const LIST = /^\[([^\]]*)\](.+)$/;
const MAP = /^\{(\*?)\}(.+)$/;
const CHOICE = /^(\w+)\((.*)\)$/;

function readType(type: string, refer: Refer): Schema {
  const [, keys, item] = LIST.exec(type) ?? [];
  if (keys !== undefined && item !== undefined) {
    return { type: "array", items: readType(item, refer), ...listType(keys) };
  }
  const [, atomic, value] = MAP.exec(type) ?? [];
  if (value !== undefined) {
    const kind = atomic === "*" ? { "x-kubernetes-map-type": "atomic" } : {};
    return { type: "object", additionalProperties: readType(value, refer), ...kind };
  }
  if (type.startsWith("=")) return { ...refer(type.slice(1)), default: {} };
  const [, base, choices] = CHOICE.exec(type) ?? [];
  if (base !== undefined && choices !== undefined) return { ...scalar(base), enum: choices.split("|") };
  return type.includes("/") ? refer(type) : scalar(type);
}

function listType(keys: string): Schema {
  if (keys === "") return {};
  if (keys === "*") return { "x-kubernetes-list-type": "atomic" };
  if (keys === "=") return { "x-kubernetes-list-type": "set" };
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys.split("+") };
}

function scalar(type: string): Schema {
  switch (type) {
    case "any":
      return { "x-kubernetes-preserve-unknown-fields": true };
    case "int-or-string":
      return { "x-kubernetes-int-or-string": true };
    case "quantity":
      return { oneOf: [{ type: "string" }, { type: "number" }], format: "quantity" };
    case "int32":
    case "int64":
      return { type: "integer", format: type };
    case "micro-time":
      return { type: "string", format: "date-time", [IS_MICRO_TIME]: true };
    case "float":
    case "double":
      return { type: "number", format: type };
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return { type };
    default:
      return { type: "string", format: type };
  }
}
