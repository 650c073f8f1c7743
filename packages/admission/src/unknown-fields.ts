/** Warnings about fields that no schema knows: the API server keeps them and nobody reads them. */
import { nearestName } from "@machine-controller/api";
import { isObject } from "./admission.ts";

type Schema = { properties?: Record<string, Schema>; items?: Schema };

/** The API server cuts long warnings, and a page of them helps nobody. */
const MOST = 10;

export function unknownFields(schema: object, value: unknown, path: string): string[] {
  return [...walk(schema, value, path)].slice(0, MOST);
}

function* walk({ properties, items }: Schema, value: unknown, path: string): Generator<string> {
  if (Array.isArray(value) && items !== undefined) {
    for (const [index, item] of value.entries()) yield* walk(items, item, `${path}[${index}]`);
  }
  if (!isObject(value) || properties === undefined) return;
  for (const [key, item] of Object.entries(value)) {
    if (item === null) continue;
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property !== undefined) {
      yield* walk(property, item, `${path}.${key}`);
    } else {
      const nearest = nearestName(key.slice(0, 64), Object.keys(properties));
      yield `${path}.${key.slice(0, 64)}: unknown field, which is ignored${nearest ? `; did you mean "${nearest}"?` : ""}`;
    }
  }
}
