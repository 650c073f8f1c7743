/** `additionalPrinterColumns` of a CustomResourceDefinition as table columns. */
import { objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatAge } from "./age.ts";
import { readJsonPath } from "./json-path.ts";

const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name,
};
const AGE: Column = {
  name: "Age",
  type: "date",
  description: "CreationTimestamp is a timestamp representing the server time when this object was created.",
  cell: (object, now) => formatAge(object.metadata.creationTimestamp, now),
};

export function customColumns(version: JsonObject): readonly Column[] {
  const columns = objectsAt(version, "additionalPrinterColumns");
  return columns.length === 0 ? [NAME, AGE] : [NAME, ...columns.map(toColumn)];
}

function toColumn(definition: JsonObject): Column {
  const type = stringAt(definition, "type");
  const path = readJsonPath(stringAt(definition, "jsonPath")) ?? (() => []);
  return {
    name: stringAt(definition, "name"),
    type,
    format: stringAt(definition, "format"),
    description: stringAt(definition, "description"),
    priority: typeof definition["priority"] === "number" ? definition["priority"] : 0,
    cell: (object: KubeObject, now: number) => {
      const value = path(object)[0];
      if (value === undefined || value === null) return null;
      return toCell({ value, type, now });
    },
  };
}

function toCell({ value, type, now }: { value: unknown; type: string; now: number }): unknown {
  switch (type) {
    case "date":
      return formatAge(String(value), now);
    case "integer":
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    default:
      return typeof value === "string" ? value : JSON.stringify(value);
  }
}
