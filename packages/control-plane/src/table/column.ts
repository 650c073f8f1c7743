/** What the columns of built-in kinds are made of. */
import { isJsonObject, objectAt, objectsAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatSelectorObject } from "../selectors/label-selector.ts";
import { formatAge } from "./age.ts";

type Cell = (object: KubeObject, now: number) => unknown;

export const NONE = "<none>";
export const UNKNOWN = "<unknown>";
export const UNSET = "<unset>";

export const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name,
};
export const AGE = column("Age", (object, now) => formatAge(object.metadata.creationTimestamp, now));

export function column(name: string, cell: Cell, type = "string"): Column {
  return { name, type, cell };
}

/** A number of the object, zero where it is missing. */
export function number(name: string, path: string): Column {
  return column(name, (object) => count(object, path), "integer");
}

export function field(name: string, path: string, missing = ""): Column {
  return column(name, (object) => textOf(valueAt(object, path), missing));
}

export function flag(name: string, path: string, missing = false): Column {
  return column(name, (object) => valueAt(object, path) ?? missing, "boolean");
}

export function selector(path: string): Column {
  return wide(column("Selector", (object) => formatSelectorObject(valueAt(object, path)) || NONE));
}

export function wide(inner: Column): Column {
  return { ...inner, priority: 1 };
}

/** The name, and whether an annotation makes it the one that is taken by default. */
export function nameOrDefault(...annotations: string[]): Column {
  return {
    ...NAME,
    cell: ({ metadata }) =>
      annotations.some((key) => metadata.annotations?.[key] === "true") ? `${metadata.name} (default)` : metadata.name,
  };
}

export function count(object: KubeObject, path: string): number {
  return Number(valueAt(object, path) ?? 0);
}

export function conditionsOf(object: KubeObject): JsonObject[] {
  return objectsAt(objectAt(object, "status"), "conditions");
}

export function isTrue(object: KubeObject, type: string): boolean {
  return conditionsOf(object).find((condition) => condition["type"] === type)?.["status"] === "True";
}

export function formatLabels(labels: unknown): string {
  if (!isJsonObject(labels)) return NONE;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.sort().join(",") || NONE;
}

/** The first of them, and how many more there are. */
export function formatSome(
  texts: readonly string[],
  options: { most: number; total?: number; between?: string },
): string {
  const { most, total = texts.length, between = "," } = options;
  const shown = texts.slice(0, most).join(between);
  return total > most ? `${shown} + ${total - most} more...` : shown;
}
