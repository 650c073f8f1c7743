/** `additionalPrinterColumns` of a CustomResourceDefinition as table columns. */
import { objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatAge } from "./age.ts";
import { readJsonPath } from "./json-path.ts";
import type { JsonPath } from "./json-path.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

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

/** Those up to the first whose path cannot be read. */
export function customColumns(version: JsonObject): readonly Column[] {
  const columns = objectsAt(version, "additionalPrinterColumns");
  if (columns.length === 0) return [NAME, AGE];
  const read = columns.map((definition) => ({ definition, path: readJsonPath(stringAt(definition, "jsonPath")) }));
  const unreadable = read.findIndex(({ path }) => path === undefined);
  const readable = unreadable < 0 ? read : read.slice(0, unreadable);
  return [NAME, ...readable.map(({ definition, path = () => [] }) => toColumn(definition, path))];
}

function toColumn(definition: JsonObject, path: JsonPath): Column {
  const type = stringAt(definition, "type");
  const words = `Custom resource definition column (in JSONPath format): ${stringAt(definition, "jsonPath")}`;
  return {
    name: stringAt(definition, "name"),
    type,
    format: stringAt(definition, "format"),
    description: stringAt(definition, "description") || words,
    priority: typeof definition["priority"] === "number" ? definition["priority"] : 0,
    cell: (object: KubeObject, now: number) => toCell({ value: path(object)[0], type, now }),
  };
}

/** A value of another type than its column's is not shown. */
function toCell({ value, type, now }: { value: unknown; type: string; now: number }): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "date":
      if (typeof value !== "string") return null;
      return TIME.test(value) ? formatAge(value, now) : value === "" ? "<unknown>" : "<invalid>";
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    default:
      return typeof value === "string" ? value : JSON.stringify(value);
  }
}
