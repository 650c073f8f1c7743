/** `fieldValidation`: whether fields that are said twice, or that a kind does not have, are refused, told of, or let pass. */
import { isJsonObject, objectAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { pruneObject } from "../schema/prune.ts";
import type { Schema } from "../schema/structural.ts";
import type { StatusError } from "../status-error.ts";
import type { Context } from "./context.ts";

const YAML_ERRORS = "yaml: unmarshal errors:\n";
/** More are not told of an object of a built-in kind. */
const MAX_PROBLEMS = 100;

export type BodyText = {
  text: string;
  format: "json" | "yaml";
  /** It can be read as JSON, whatever its sender calls it. */
  isJson: boolean;
};

export function isStrict({ query }: Context): boolean {
  return query.get("fieldValidation") === "Strict";
}

/** Adds a warning for each problem, or throws what `refuse` makes of all of them. */
export function reportFields(
  context: Context,
  problems: readonly string[],
  refuse: (why: string) => StatusError,
): void {
  if (problems.length === 0 || context.query.get("fieldValidation") === "Ignore") return;
  if (isStrict(context)) throw refuse(`strict decoding error: ${problems.join(", ")}`);
  context.warnings.push(...problems.flatMap(toWarnings));
}

/** A problem of a YAML text has a line for each field. */
function toWarnings(problem: string): string[] {
  const start = problem.indexOf(YAML_ERRORS);
  if (start < 0) return [problem];
  return problem
    .slice(start + YAML_ERRORS.length)
    .split("\n")
    .map((line) => line.trim());
}

/** Drops the fields of `object` that its kind does not have, and returns them as problems. */
export function dropUnknown(object: JsonObject, { schema, custom }: Pick<Resource, "schema" | "custom">): string[] {
  const fields = schema === undefined ? [] : pruneObject(object, schema, custom);
  const all = custom ? [...unknownMetadata(object), ...fields.sort()] : fields.slice(0, MAX_PROBLEMS);
  return all.map((field) => `unknown field ${JSON.stringify(field)}`);
}

/** Schemas of custom kinds have no say over it. */
function unknownMetadata(object: JsonObject): string[] {
  const dropped = pruneObject(objectAt(object, "metadata"), builtInSchema("meta/v1.ObjectMeta") ?? {}, false);
  return dropped.sort().map((field) => `metadata.${field}`);
}

/** What a body says twice, as problems; `value` is what was read of it. Where there are any in JSON, those fields that
 * the schema does not have are among them. */
export async function repetitions(body: BodyText | undefined, value: unknown, schema?: Schema): Promise<string[]> {
  if (body === undefined) return [];
  const { text, format, isJson } = body;
  if (isJson && keysIn(text) === keysOf(value)) return [];
  if (format === "json") {
    const { problemsInJson } = await import("../schema/json-text.ts");
    return problemsInJson(text, schema).slice(0, MAX_PROBLEMS);
  }
  const { repetitionsInYaml } = await import("../schema/yaml-text.ts");
  const lines = repetitionsInYaml(text);
  return lines.length === 0 ? [] : [`${YAML_ERRORS}${lines.map((line) => `  ${line}`).join("\n")}`];
}

/** How many keys the objects of a valid JSON text have. */
function keysIn(text: string): number {
  let count = 0;
  for (let start = text.indexOf('"'); start >= 0;) {
    let end = start;
    do end = text.indexOf('"', end + 1);
    while (isEscaped(text, end));
    do end += 1;
    while (text.charCodeAt(end) <= SPACE);
    if (text.charCodeAt(end) === COLON) count += 1;
    start = text.indexOf('"', end);
  }
  return count;
}

const SPACE = 0x20;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}

function keysOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + keysOf(item), 0);
  if (!isJsonObject(value)) return 0;
  const inner = Object.values(value);
  return inner.reduce<number>((sum, item) => sum + keysOf(item), inner.length);
}
