/**
 * Reads a JSON value as a schema's type, the way Go's strict decoder reads it: keys match in any case, `null` counts as
 * absent, and where the schema says `additionalProperties: false` an unknown key is a problem.
 */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Errors } from "typebox/value";
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
  for (const { keyword, instancePath, params } of fits(schema, canonical) ? [] : Errors(schema, canonical)) {
    const steps = instancePath.split("/").slice(1);
    const at = steps.reduce((parent, step) => parent + (/^\d+$/.test(step) ? `[${step}]` : `.${step}`), path);
    const found = steps.reduce<unknown>(
      (node, step) => (node as Record<string, unknown> | undefined)?.[step],
      canonical,
    );
    const message = describe(keyword, params, found);
    if (message !== undefined) problems.push({ path: at, message });
  }
  return { value: canonical as Static<T>, problems };
}

const compiled = new WeakMap<TSchema, { Check(value: unknown): boolean }>();

/** What is read often is right as a rule; finding out what is wrong with it costs seventy times as much. */
function fits(schema: TSchema, value: unknown): boolean {
  let checked = compiled.get(schema);
  if (checked === undefined) compiled.set(schema, (checked = Compile(schema)));
  return checked.Check(value);
}

/** Problems as one sentence, for a status or an event. */
export const formatProblems = (problems: readonly Problem[]): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join("; ");

function canonicalize(schema: object, value: unknown, at: { path: string; problems: Problem[] }): unknown {
  const { properties, items, additionalProperties } = branchFor(schema, value);
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

type Branch = { properties?: Record<string, object>; items?: object; additionalProperties?: unknown };

/** Of a union of scalars and one object form, the object form where the value is an object. */
function branchFor(schema: object, value: unknown): Branch {
  const { anyOf } = schema as { anyOf?: Branch[] };
  if (anyOf === undefined || typeof value !== "object") return schema;
  return anyOf.find(({ properties }) => properties !== undefined) ?? schema;
}

function describe(keyword: string, params: Record<string, unknown>, found: unknown): string | undefined {
  switch (keyword) {
    case "required":
      return `${(params["requiredProperties"] as string[]).join(", ")} must be set`;
    case "type":
      return `must be of type ${String(params["type"])}, is ${kindOf(found)}`;
    case "enum": {
      const allowed = literalsOf({ enum: params["allowedValues"] as string[] }) ?? [];
      const nearest = typeof found === "string" ? nearestName(found, allowed) : undefined;
      const remedy = nearest ? `did you mean "${nearest}"?` : `use one of ${allowed.filter(Boolean).join(", ")}`;
      return `${JSON.stringify(found)?.slice(0, 80)} is not supported; ${remedy}`;
    }
    case "anyOf":
      return `${kindOf(found)} is not among the forms allowed here`;
    case "minLength":
      return "must not be empty";
    case "minimum":
      return `must be at least ${String(params["limit"])}, is ${kindOf(found)}`;
    case "const":
    case "boolean":
    case "additionalProperties":
      return undefined;
    default:
      return `${kindOf(found)} does not satisfy ${keyword} ${JSON.stringify(params)}`;
  }
}

/** Not the value of a text, unless it is a quoted number or boolean: what stands in the wrong place may be a secret. */
function kindOf(found: unknown): string {
  if (typeof found === "string" && /^(?:-?[\d.]{1,12}|true|false)$/.test(found)) return `"${found}"`;
  if (typeof found === "number" || typeof found === "boolean") return String(found);
  if (Array.isArray(found)) return "a list";
  return typeof found === "object" ? "an object" : `a ${typeof found}`;
}
