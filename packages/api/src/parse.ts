/**
 * Reads a JSON value as a schema's type, the way Go's strict decoder reads it: keys match in any case, `null` counts as
 * absent, and where the schema says `additionalProperties: false` an unknown key is a problem.
 */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { nearestName } from "./nearest-name.ts";
import { literalsOf } from "./schema.ts";

/** One thing wrong with a value: where, what, and what to do about it. */
export type Problem = { path: string; message: string };

export type Parsed<T> = { value: T; problems: Problem[] };

/**
 * @param path where `value` stands, for example `spec.providerSpec.value`; it begins every problem's path.
 * @returns the value with canonical keys and without nulls. It is of the schema's type only if there are no problems.
 */
export function parseAs<T extends TSchema>(schema: T, value: unknown, path: string): Parsed<Static<T>> {
  const problems: Problem[] = [];
  const canonical = canonicalize(schema, value, { path, problems });
  for (const { keyword, instancePath, params } of Compile(schema).Errors(canonical)) {
    const at = [path, ...instancePath.split("/").slice(1)].join(".");
    const found = instancePath
      .split("/")
      .slice(1)
      .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], canonical);
    const message = describe(keyword, params, found);
    if (message !== undefined) problems.push({ path: at, message });
  }
  return { value: canonical as Static<T>, problems };
}

/** Problems as one sentence, for a status or an event. */
export const formatProblems = (problems: readonly Problem[]): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join("; ");

function canonicalize(schema: object, value: unknown, at: { path: string; problems: Problem[] }): unknown {
  const { properties, items, additionalProperties } = schema as {
    properties?: Record<string, object>;
    items?: object;
    additionalProperties?: unknown;
  };
  if (Array.isArray(value) && items !== undefined) {
    return value.map((item, index) => canonicalize(items, item, { ...at, path: `${at.path}[${index}]` }));
  }
  if (value === null || typeof value !== "object" || Array.isArray(value) || properties === undefined) return value;

  const names = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]));
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key in properties ? key : names.get(key.toLowerCase());
    if (name !== undefined && item !== null) {
      result[name] = canonicalize(properties[name] ?? {}, item, { ...at, path: `${at.path}.${name}` });
    } else if (name === undefined && additionalProperties === false) {
      const nearest = nearestName(key, Object.keys(properties));
      at.problems.push({
        path: `${at.path}.${key}`,
        message: nearest
          ? `unknown field; did you mean "${nearest}"?`
          : `unknown field; the fields here are ${Object.keys(properties).sort().join(", ")}`,
      });
    } else if (name === undefined) {
      result[key] = item;
    }
  }
  return result;
}

function describe(keyword: string, params: Record<string, unknown>, found: unknown): string | undefined {
  const shown = JSON.stringify(found)?.slice(0, 80);
  switch (keyword) {
    case "required":
      return `${(params["requiredProperties"] as string[]).join(", ")} must be set`;
    case "type":
      return `must be of type ${String(params["type"])}, is ${shown}`;
    case "enum": {
      const allowed = literalsOf({ enum: params["allowedValues"] as string[] }) ?? [];
      const nearest = typeof found === "string" ? nearestName(found, allowed) : undefined;
      const remedy = nearest ? `did you mean "${nearest}"?` : `use one of ${allowed.filter(Boolean).join(", ")}`;
      return `${shown} is not supported; ${remedy}`;
    }
    case "anyOf":
      return `${shown} has none of the forms allowed here`;
    case "minLength":
      return "must not be empty";
    case "minimum":
      return `must be at least ${String(params["limit"])}, is ${shown}`;
    case "const":
    case "boolean":
    case "additionalProperties":
      return undefined;
    default:
      return `${shown} does not satisfy ${keyword} ${JSON.stringify(params)}`;
  }
}
