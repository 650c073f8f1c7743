/** `x-kubernetes-validations`: the rules of a schema node, compiled once. */
import { arrayAt, isJsonObject, stringAt } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { additionalSchema, isEmbeddedResource, propertySchema } from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";
import { CelError, compileCel } from "./cel.ts";
import type { CelProgram, CelType } from "./cel.ts";
import { celTypeOf } from "./schema-values.ts";

export type Rule = {
  rule: string;
  program: CelProgram;
  message: string;
  messageProgram: CelProgram | undefined;
  reason: string;
  /** `.spec.labels[name]`, from the node; empty: the node itself. */
  fieldPath: string;
  /** Needs the value before the change. */
  isTransition: boolean;
  optionalOldSelf: boolean;
};

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

export function hasRules(schema: Schema): boolean {
  return arrayAt(schema, "x-kubernetes-validations").length > 0;
}

/** `at` is where the schema node stands, and what keeps its values from being found in the old object, if anything. */
export type RulePlace = { path: string; isRoot: boolean; uncorrelatable?: string };

/** The rules of one schema node, and what is wrong with those that cannot be used. */
export function compileRules(schema: Schema, place: RulePlace): { rules: Rule[]; causes: StatusCause[] } {
  const causes: StatusCause[] = [];
  const types: CelType[] = [];
  const subject = place.isRoot ? { ...schema, "x-kubernetes-embedded-resource": true } : schema;
  const selfType = celTypeOf({ ...subject, nullable: false }, types);
  const rules = arrayAt(schema, "x-kubernetes-validations").flatMap((definition, index) => {
    if (!isJsonObject(definition)) return [];
    const path = `${place.path}.x-kubernetes-validations[${index}]`;
    const before = causes.length;
    causes.push(...checkForm(definition, schema, path));
    if (causes.length > before) return [];
    const optionalOldSelf = definition["optionalOldSelf"] === true;
    const variables = { self: selfType, oldSelf: optionalOldSelf ? `optional<${selfType}>` : selfType };
    const compile = (field: "rule" | "messageExpression", wanted: string): CelProgram | undefined => {
      const outcome = compileField(definition, { field, wanted, variables, types });
      if (typeof outcome !== "string") return outcome;
      const message = `Invalid value: ${describe(definition)}: ${outcome}`;
      causes.push({ reason: "FieldValueInvalid", message, field: `${path}.${field}` });
      return undefined;
    };
    const rule = stringAt(definition, "rule");
    const program = compile("rule", "bool");
    const hasExpression = stringAt(definition, "messageExpression") !== "";
    const messageProgram = hasExpression ? compile("messageExpression", "string") : undefined;
    if (program === undefined) return [];
    if (optionalOldSelf && !program.uses("oldSelf")) {
      const message = "Invalid value: true: may not be set if oldSelf is not used in rule";
      causes.push({ reason: "FieldValueInvalid", message, field: `${path}.optionalOldSelf` });
    }
    const isTransition = program.uses("oldSelf") || messageProgram?.uses("oldSelf") === true;
    if (isTransition && place.uncorrelatable !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
      const message = `Invalid value: ${JSON.stringify(rule)}: ${why}`;
      causes.push({ reason: "FieldValueInvalid", message, field: `${path}.rule` });
    }
    const message = stringAt(definition, "message").trim();
    const reason = stringAt(definition, "reason") || "FieldValueInvalid";
    const fieldPath = pathInto(schema, stringAt(definition, "fieldPath")) ?? "";
    return [{ rule, program, message, messageProgram, reason, fieldPath, isTransition, optionalOldSelf }];
  });
  return { rules, causes };
}

function checkForm(definition: JsonObject, schema: Schema, path: string): StatusCause[] {
  const invalid = (field: string, value: unknown, why: string): StatusCause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
    field: `${path}.${field}`,
  });
  const { message, reason, fieldPath } = definition;
  if (stringAt(definition, "rule").trim() === "") {
    return [{ reason: "FieldValueRequired", message: "Required value: rule is not specified", field: `${path}.rule` }];
  }
  const causes: StatusCause[] = [];
  if (typeof message === "string" && message !== "" && message.trim() === "") {
    causes.push(invalid("message", message, "must be non-empty if specified"));
  } else if (typeof message === "string" && message.trim().includes("\n")) {
    causes.push(invalid("message", message, "must not contain line breaks"));
  }
  if (reason !== undefined && !REASONS.includes(reason as string)) {
    const supported = REASONS.map((name) => JSON.stringify(name)).join(", ");
    causes.push({
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${JSON.stringify(reason)}: supported values: ${supported}`,
      field: `${path}.reason`,
    });
  }
  if (typeof fieldPath === "string" && fieldPath !== "" && pathInto(schema, fieldPath) === undefined) {
    causes.push(invalid("fieldPath", fieldPath, "must be a valid path"));
  }
  return causes;
}

/** A path such as `.spec.labels['name']` as answers have it; `undefined` for one that leads nowhere. */
function pathInto(schema: Schema, path: string): string | undefined {
  const steps = [...path.matchAll(/\.([A-Za-z_][\w-]*)|\['([^']*)'\]/gy)];
  if (steps.map(([step]) => step).join("") !== path) return undefined;
  let at: Schema | undefined = schema;
  let shown = "";
  for (const [, name, quoted] of steps) {
    const key: string = name ?? quoted ?? "";
    if (at === undefined) return undefined;
    const property: Schema | undefined = propertySchema(at, key);
    const additional = additionalSchema(at);
    shown += property === undefined && !isEmbeddedResource(at) ? `[${key}]` : `.${key}`;
    if (isEmbeddedResource(at)) continue;
    at = property ?? (isJsonObject(additional) ? additional : undefined);
  }
  return at === undefined ? undefined : shown;
}

type Field = {
  field: "rule" | "messageExpression";
  wanted: string;
  variables: Record<string, string>;
  types: CelType[];
};

/** The program, or what is wrong with the expression. */
function compileField(definition: JsonObject, { field, wanted, variables, types }: Field): CelProgram | string {
  const name = field === "rule" ? "" : "messageExpression ";
  try {
    const program = compileCel(stringAt(definition, field), variables, types);
    if (program.type === wanted || program.type === "dyn") return program;
    return `${field === "rule" ? "cel expression" : "messageExpression"} must evaluate to a ${wanted}`;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return `${name}compilation failed: ${error.message}`;
  }
}

/** The rule as Go prints it. */
function describe(definition: JsonObject): string {
  const text = JSON.stringify({
    Rule: stringAt(definition, "rule"),
    Message: stringAt(definition, "message"),
    MessageExpression: stringAt(definition, "messageExpression"),
    Reason: definition["reason"] ?? null,
    FieldPath: stringAt(definition, "fieldPath"),
    OptionalOldSelf: definition["optionalOldSelf"] ?? null,
  });
  return text.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}
