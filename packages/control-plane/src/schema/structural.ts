/** The vocabulary of structural schemas, shared by pruning, defaulting and validation. */
import { arrayAt, isJsonObject } from "../object.ts";
import type { JsonObject } from "../object.ts";

export type Schema = JsonObject;

export function preservesUnknown(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true;
}

export function isEmbeddedResource(schema: Schema): boolean {
  return schema["x-kubernetes-embedded-resource"] === true;
}

export function isIntOrString(schema: Schema): boolean {
  return schema["x-kubernetes-int-or-string"] === true;
}

export function propertySchema(schema: Schema, key: string): Schema | undefined {
  const properties = schema["properties"];
  const property = isJsonObject(properties) ? properties[key] : undefined;
  return isJsonObject(property) ? property : undefined;
}

export function propertyNames(schema: Schema): string[] {
  return isJsonObject(schema["properties"]) ? Object.keys(schema["properties"]) : [];
}

/** `additionalProperties`: a schema for all values, or true for anything. */
export function additionalSchema(schema: Schema): Schema | boolean {
  const additional = schema["additionalProperties"];
  return isJsonObject(additional) ? additional : additional === true;
}

/** Of a field by its name, or of all that have none of their own. */
export function fieldSchema(schema: Schema, key: string): Schema | undefined {
  const additional = additionalSchema(schema);
  return propertySchema(schema, key) ?? (isJsonObject(additional) ? additional : undefined);
}

export function itemSchema(schema: Schema): Schema | undefined {
  return isJsonObject(schema["items"]) ? schema["items"] : undefined;
}

export function requiredNames(schema: Schema): string[] {
  return arrayAt(schema, "required").map(String);
}

/** Every object with these at its root is decoded by the server itself; schemas have no say over them. */
export const ROOT_FIELDS = ["apiVersion", "kind", "metadata"];
