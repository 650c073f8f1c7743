/** Label selectors in text form (`a=b,c!=d,e in (f,g),h,!i,n>3`) and as objects. */
import { arrayAt, isJsonObject, objectAt, stringAt } from "../object.ts";
import { badRequest } from "../status-error.ts";

export type Labels = Record<string, string>;
export type LabelPredicate = (labels: Labels) => boolean;

const NAME = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const SET = /^(\S+)\s+(in|notin)\s+\(([^()]*)\)$/;
const EQUALITY = /^([^\s=!<>]+)\s*(==|=|!=|<|>)\s*([^\s=!<>]*)$/;

/** Throws BadRequest for text that is not a selector. */
export function parseLabelSelector(text: string): LabelPredicate {
  const predicates = splitRequirements(text).map((part) => parseRequirement(part.trim(), text));
  return (labels) => predicates.every((matches) => matches(labels));
}

/** A `metav1.LabelSelector`; an empty one matches everything. */
export function matchesSelectorObject(selector: unknown, labels: Labels): boolean {
  const wanted = Object.entries(objectAt(selector, "matchLabels"));
  return (
    wanted.every(([key, value]) => labels[key] === value) &&
    arrayAt(selector, "matchExpressions")
      .filter(isJsonObject)
      .every((expression) => {
        const value = labels[stringAt(expression, "key")];
        const values = arrayAt(expression, "values");
        switch (stringAt(expression, "operator")) {
          case "In":
            return value !== undefined && values.includes(value);
          case "NotIn":
            return value === undefined || !values.includes(value);
          case "Exists":
            return value !== undefined;
          case "DoesNotExist":
            return value === undefined;
          default:
            return false;
        }
      })
  );
}

/** The text form of a selector object, as `scale` reports it. */
export function formatSelectorObject(selector: unknown): string {
  if (typeof selector === "string") return selector;
  const equalities = Object.entries(objectAt(selector, "matchLabels")).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = arrayAt(selector, "matchExpressions")
    .filter(isJsonObject)
    .map((expression) => {
      const key = stringAt(expression, "key");
      const operator = stringAt(expression, "operator");
      if (operator === "Exists") return key;
      if (operator === "DoesNotExist") return `!${key}`;
      return `${key} ${operator.toLowerCase()} (${arrayAt(expression, "values").join(",")})`;
    });
  return [...equalities.sort(), ...expressions].join(",");
}

/** Splits at commas outside parentheses. */
function splitRequirements(text: string): string[] {
  return text.trim() === "" ? [] : text.split(/,(?![^(]*\))/);
}

function parseRequirement(part: string, whole: string): LabelPredicate {
  const set = SET.exec(part);
  if (set) {
    const key = checkName(set[1] ?? "", whole);
    const values = (set[3] ?? "").split(",").map((value) => checkValue(value.trim(), whole));
    return set[2] === "in"
      ? (labels) => labels[key] !== undefined && values.includes(labels[key])
      : (labels) => labels[key] === undefined || !values.includes(labels[key]);
  }
  const equality = EQUALITY.exec(part);
  if (equality) return toComparison(equality, whole);
  if (part.startsWith("!")) {
    const key = checkName(part.slice(1).trim(), whole);
    return (labels) => labels[key] === undefined;
  }
  const key = checkName(part, whole);
  return (labels) => labels[key] !== undefined;
}

function toComparison(match: RegExpExecArray, whole: string): LabelPredicate {
  const key = checkName(match[1] ?? "", whole);
  const operator = match[2] ?? "=";
  const value = checkValue(match[3] ?? "", whole);
  switch (operator) {
    case "!=":
      return (labels) => labels[key] !== value;
    case "<":
    case ">": {
      if (!/^-?\d+$/.test(value)) throw unparsable(whole);
      const bound = Number(value);
      return (labels) => {
        const at = labels[key];
        if (at === undefined || !/^-?\d+$/.test(at)) return false;
        return operator === "<" ? Number(at) < bound : Number(at) > bound;
      };
    }
    default:
      return (labels) => labels[key] === value;
  }
}

function checkName(name: string, whole: string): string {
  if (!NAME.test(name)) throw unparsable(whole);
  return name;
}

function checkValue(value: string, whole: string): string {
  if (!VALUE.test(value)) throw unparsable(whole);
  return value;
}

function unparsable(whole: string): Error {
  return badRequest(`unable to parse requirement: ${JSON.stringify(whole)} is not a label selector`);
}
