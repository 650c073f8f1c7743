/** Renders objects as a `meta.k8s.io/v1 Table`. */
import type { JsonObject, KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export function columnDefinitions(resource: Resource): JsonObject[] {
  return resource.columns.map(({ name, type, format = "", description = "", priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

export function toRow(
  object: KubeObject,
  options: { resource: Resource; now: number; include: IncludeObject; apiVersion: string },
): JsonObject {
  const conditions = options.resource.rowConditions?.(object) ?? [];
  return {
    cells: options.resource.columns.map((column) => column.cell(object, options.now)),
    ...(conditions.length > 0 && { conditions }),
    object:
      options.include === "None"
        ? null
        : options.include === "Object"
          ? object
          : toPartialMetadata(object, options.apiVersion),
  };
}

export function toTable(
  columns: JsonObject[] | null,
  options: { metadata: JsonObject; rows: JsonObject[]; apiVersion: string },
): JsonObject {
  return {
    kind: "Table",
    apiVersion: options.apiVersion,
    metadata: options.metadata,
    columnDefinitions: columns,
    rows: options.rows,
  };
}

export function toPartialMetadata(object: KubeObject, apiVersion: string): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata };
}
