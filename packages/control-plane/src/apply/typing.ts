/** How values merge: which lists are maps by key, which are sets, and what is replaced as one. */
import { arrayAt, isJsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { additionalSchema, itemSchema, propertySchema } from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";

export type ListType = { kind: "atomic" } | { kind: "set" } | { kind: "map"; keys: readonly Key[] };

/** `fallback`: what an item without the key has. */
type Key = { name: string; fallback: unknown };

export type Typing = {
  /** The object is replaced as one. */
  isAtomic: boolean;
  /** One of a map, whose entries are there as such. */
  isEntry: boolean;
  /** A list or a map, of which nobody owns that there is none. */
  isCollection: boolean;
  list: ListType;
  field(name: string): Typing;
  item(): Typing;
};

const ATOMIC: ListType = { kind: "atomic" };

export function typingOf(resource: Resource): Typing {
  const known = KNOWN.get(resource);
  if (known !== undefined) return known;
  const own = schemaTyping(resource.schema);
  const metadata = schemaTyping(builtInSchema("meta/v1.ObjectMeta"));
  const typing = { ...own, field: (name: string) => (name === "metadata" ? metadata : own.field(name)) };
  KNOWN.set(resource, typing);
  return typing;
}

/** What a kind's typing is follows from the kind alone; every write asks for it. */
const KNOWN = new WeakMap<Resource, Typing>();
/** Of maps, whose keys are anything, no more than these are remembered. */
const MAX_REMEMBERED = 200;

function schemaTyping(schema: Schema | undefined, isEntry = false): Typing {
  const additional = schema === undefined ? false : additionalSchema(schema);
  return {
    isAtomic: schema?.["x-kubernetes-map-type"] === "atomic",
    isEntry,
    isCollection: schema?.["type"] === "array" || schema?.["type"] === "object",
    list: listTypeOf(schema),
    field: remember((name) => {
      const property = schema === undefined ? undefined : propertySchema(schema, name);
      if (property !== undefined) return schemaTyping(property);
      return schemaTyping(isJsonObject(additional) ? additional : undefined, true);
    }),
    item: () => schemaTyping(schema === undefined ? undefined : itemSchema(schema)),
  };
}

export function listTypeOf(schema: Schema | undefined): ListType {
  const kind = schema?.["x-kubernetes-list-type"];
  if (kind === "set") return { kind };
  if (kind !== "map") return ATOMIC;
  const item = itemSchema(schema ?? {}) ?? {};
  const names = arrayAt(schema, "x-kubernetes-list-map-keys").map(String).toSorted();
  return { kind, keys: names.map((name) => ({ name, fallback: propertySchema(item, name)?.["default"] })) };
}

function remember(typingOf: (name: string) => Typing): (name: string) => Typing {
  const known = new Map<string, Typing>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const typing = typingOf(name);
    if (known.size < MAX_REMEMBERED) known.set(name, typing);
    return typing;
  };
}

/** The FieldsV1 key of a list item. */
export function itemKey(item: unknown, list: ListType): string {
  if (list.kind !== "map" || !isJsonObject(item)) return `v:${JSON.stringify(item)}`;
  const keys = list.keys.map(({ name, fallback }) => [name, item[name] ?? fallback]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}
