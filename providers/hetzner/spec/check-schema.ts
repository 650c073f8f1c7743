/** Compares a JSON value with schema facts. */
import type { ApiFacts, SchemaFacts } from "./facts.ts";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Every difference, with its path: `server.public_net.ipv4: is not documented`. */
export function checkSchema(facts: ApiFacts, schema: SchemaFacts, at: { value: unknown; path: string }): string[] {
  const { value, path } = at;
  if (schema.ref !== undefined) {
    if (value === null && schema.nullable === true) return [];
    return checkSchema(facts, facts.schemas[schema.ref] ?? {}, at);
  }
  if (value === null) return schema.nullable === true ? [] : [`${path}: is null`];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isType(type, value))) {
    return [`${path}: is ${describe(value)}, not ${types.join(" or ")}`];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return [`${path}: ${JSON.stringify(value)} is no documented value`];
  if (typeof value === "string") return checkText(schema, value).map((problem) => `${path}: ${problem}`);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? []
      : value.flatMap((item, index) => checkSchema(facts, items, { value: item, path: `${path}[${index}]` }));
  }
  if (typeof value !== "object") return [];
  const { properties, additionalProperties, required = [] } = schema;
  const missing = required.filter((name) => !(name in value)).map((name) => `${path}.${name}: is missing`);
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const known =
      (properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined) ??
      additionalProperties;
    if (known !== undefined) return checkSchema(facts, known, { value: field, path: `${path}.${name}` });
    return properties === undefined ? [] : [`${path}.${name}: is not documented`];
  });
  return [...missing, ...fields];
}

function checkText({ format, pattern, maxLength }: SchemaFacts, value: string): string[] {
  return [
    ...(format === "date-time" && !RFC3339.test(value) ? ["is no RFC 3339 time"] : []),
    ...(pattern !== undefined && !new RegExp(pattern).test(value) ? [`does not match ${pattern}`] : []),
    ...(maxLength !== undefined && value.length > maxLength ? [`is longer than ${maxLength}`] : []),
  ];
}

function isType(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function describe(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}
