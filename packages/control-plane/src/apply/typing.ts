/** How values merge: which lists are maps by key, which are sets, and what is replaced as one. */
import { arrayAt, isJsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { additionalSchema, itemSchema, propertySchema } from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";

export type ListType = { kind: "atomic" } | { kind: "set" } | { kind: "map"; keys: readonly string[] };

export type Typing = {
  /** The object is replaced as one. */
  isAtomic: boolean;
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

function schemaTyping(schema: Schema | undefined): Typing {
  const kind = schema?.["x-kubernetes-list-type"];
  const keys = arrayAt(schema, "x-kubernetes-list-map-keys").map(String);
  const additional = schema === undefined ? false : additionalSchema(schema);
  return {
    isAtomic: schema?.["x-kubernetes-map-type"] === "atomic",
    isCollection: schema?.["type"] === "array" || schema?.["type"] === "object",
    list: kind === "set" ? { kind } : kind === "map" ? { kind, keys } : ATOMIC,
    field: remember((name) => {
      const property = schema === undefined ? undefined : propertySchema(schema, name);
      return schemaTyping(property ?? (isJsonObject(additional) ? additional : undefined));
    }),
    item: () => schemaTyping(schema === undefined ? undefined : itemSchema(schema)),
  };
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

/** The FieldsV1 key of a list item; protocol is TCP where it is not said. */
export function itemKey(item: unknown, list: ListType): string {
  if (list.kind !== "map" || !isJsonObject(item)) return `v:${JSON.stringify(item)}`;
  const keys = list.keys.map((key) => [key, item[key] ?? (key === "protocol" ? "TCP" : null)]);
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}
