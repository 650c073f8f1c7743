/** Holds an object against the CEL rules of its schema, each rule where it stands. */
import { Optional } from "@marcbachmann/cel-js";
import { arrayAt, isEqual, isJsonObject } from "../object.ts";
import {
  additionalSchema,
  isEmbeddedResource,
  itemSchema,
  propertyNames,
  propertySchema,
} from "../schema/structural.ts";
import type { Schema } from "../schema/structural.ts";
import type { StatusCause } from "../status-error.ts";
import { CelError } from "./cel.ts";
import { compileRules, hasRules } from "./rules.ts";
import type { Rule } from "./rules.ts";
import { celValueOf, longestIn } from "./schema-values.ts";

/** Steps that all rules may take together for one object. */
const BUDGET = 20_000_000;

type Checker = (at: { value: unknown; old: unknown; path: string; state: State }) => void;
type State = { causes: StatusCause[]; budget: number };

export type RuleValidator = (object: unknown, old: unknown) => StatusCause[];

/** `undefined` when the schema has no rules at all. */
export function compileRuleValidator(schema: Schema): RuleValidator | undefined {
  const check = compileNode(schema, true);
  if (check === undefined) return undefined;
  return (object, old) => {
    const state: State = { causes: [], budget: BUDGET };
    check({ value: object, old, path: "", state });
    return state.causes;
  };
}

/** When the object breaks its schema, its rules are not run, and the answer says so. */
export const UNCHECKED_RULES: StatusCause = {
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  field: "<nil>",
};

function compileNode(schema: Schema, isRoot: boolean): Checker | undefined {
  const { rules } = hasRules(schema) ? compileRules(schema, { path: "", isRoot }) : { rules: [] };
  const properties = propertyNames(schema).flatMap((name) => {
    const property = propertySchema(schema, name);
    const check = property === undefined ? undefined : compileNode(property, false);
    return check === undefined ? [] : [{ name, check }];
  });
  const additional = additionalSchema(schema);
  const checkValue = isJsonObject(additional) ? compileNode(additional, false) : undefined;
  const items = itemSchema(schema);
  const checkItem = items === undefined ? undefined : compileNode(items, false);
  const hasInner = properties.length > 0 || checkValue !== undefined || checkItem !== undefined;
  if (rules.length === 0 && !hasInner) return undefined;
  const valueSchema = isRoot ? { ...schema, "x-kubernetes-embedded-resource": true } : schema;

  return (at) => {
    const { value, old, path, state } = at;
    if (value === undefined || (value === null && !isEmbeddedResource(schema))) return;
    if (rules.length > 0) runRules(rules, valueSchema, at);
    const under = (key: string): string => (path === "" ? key : `${path}.${key}`);
    if (Array.isArray(value) && checkItem !== undefined) {
      const find = correlate(schema, old);
      for (const [index, item] of value.entries()) {
        checkItem({ value: item, old: find(item), path: `${path}[${index}]`, state });
      }
    }
    if (!isJsonObject(value)) return;
    const before = isJsonObject(old) ? old : {};
    for (const { name, check } of properties) {
      check({ value: value[name], old: before[name], path: under(name), state });
    }
    if (checkValue === undefined) return;
    for (const [key, inner] of Object.entries(value)) {
      checkValue({ value: inner, old: before[key], path: `${path}[${key}]`, state });
    }
  };
}

/** Only the items of a list with keys have an old self. */
function correlate(schema: Schema, old: unknown): (item: unknown) => unknown {
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old)) return () => undefined;
  const keys = arrayAt(schema, "x-kubernetes-list-map-keys").map(String);
  return (item) =>
    old.find(
      (other) => isJsonObject(item) && isJsonObject(other) && keys.every((key) => isEqual(item[key], other[key])),
    );
}

function runRules(rules: readonly Rule[], schema: Schema, at: Parameters<Checker>[0]): void {
  const { value, old, path, state } = at;
  // What was there before the rule came stays valid until it is changed.
  const isUnchanged = old !== undefined && isEqual(value, old);
  const self = celValueOf(value, schema);
  const oldSelf = old === undefined ? undefined : celValueOf(old, schema);
  const longest = Math.max(longestIn(value), longestIn(old));
  for (const rule of rules) {
    if (rule.isTransition && !rule.optionalOldSelf && oldSelf === undefined) continue;
    if (isUnchanged && !rule.isTransition) continue;
    const values = {
      self,
      oldSelf: rule.optionalOldSelf ? (oldSelf === undefined ? Optional.none() : Optional.of(oldSelf)) : oldSelf,
    };
    state.budget -= rule.program.cost(longest);
    const field = path === "" ? "<nil>" : path;
    if (state.budget < 0) {
      const why = `validation failed due to running out of cost budget, no further validation rules will be run`;
      state.causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${showType(value)}: ${why}`, field });
      return;
    }
    let holds: unknown;
    try {
      holds = rule.program.evaluate(values);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const message = `Invalid value: ${showType(value)}: ${error.message} evaluating rule: ${messageOf(rule, values) ?? rule.rule}`;
      state.causes.push({ reason: "FieldValueInvalid", message, field });
      continue;
    }
    if (holds !== true) state.causes.push(broken(rule, { value, path, values }));
  }
}

function broken(
  rule: Rule,
  { value, path, values }: { value: unknown; path: string; values: Record<string, unknown> },
): StatusCause {
  const said = messageOf(rule, values);
  const why = said ?? `failed rule: ${rule.rule}`;
  const field = `${path}${rule.fieldPath}`.replace(/^\./, "") || "<nil>";
  // Objects and lists are too long to repeat.
  const shown = typeof value === "object" ? "" : `${JSON.stringify(value)}: `;
  switch (rule.reason) {
    case "FieldValueForbidden":
      return { reason: rule.reason, message: `Forbidden: ${why}`, field };
    case "FieldValueRequired":
      return { reason: rule.reason, message: `Required value: ${why}`, field };
    case "FieldValueDuplicate":
      return { reason: rule.reason, message: `Duplicate value${shown && `: ${shown.slice(0, -2)}`}`, field };
    default:
      return { reason: "FieldValueInvalid", message: `Invalid value: ${shown}${why}`, field };
  }
}

/** What the rule says of its failure; an expression that fails or says nothing gives way to the fixed text. */
function messageOf(rule: Rule, values: Record<string, unknown>): string | undefined {
  if (rule.messageProgram !== undefined) {
    try {
      const said = rule.messageProgram.evaluate(values);
      if (typeof said === "string" && said.trim() !== "" && !said.includes("\n")) return said.trim();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
  }
  return rule.message === "" ? undefined : rule.message;
}

function showType(value: unknown): string {
  if (Array.isArray(value)) return '"array"';
  return typeof value === "object" ? '"object"' : JSON.stringify(value);
}
