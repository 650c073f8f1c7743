/** Labels, and the vendor's label selector language: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`. */
import { invalidInput, type FieldProblem } from "./errors.ts";

export type Labels = Record<string, string>;

const NAME = /^[a-z0-9A-Z]([a-z0-9A-Z._-]{0,61}[a-z0-9A-Z])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const RESERVED_PREFIX = "hetzner.cloud";

export function labelProblems(labels: Labels): FieldProblem[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(isKey(key) ? [] : [{ name: "labels", message: `label key '${key}' is not valid` }]),
    ...(value === "" || NAME.test(value)
      ? []
      : [{ name: "labels", message: `label value '${value}' of key '${key}' is not valid` }]),
  ]);
}

function isKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  return (
    NAME.test(key.slice(slash + 1)) && (prefix === undefined || (PREFIX.test(prefix) && prefix !== RESERVED_PREFIX))
  );
}

/** @throws HetznerError `invalid_input` */
export function parseLabelSelector(selector: string): (labels: Labels) => boolean {
  const terms = selector
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== "")
    .map(parseTerm);
  return (labels) => terms.every((term) => term(labels));
}

function parseTerm(term: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    checkTerm(term, key, values);
    const isIn = (labels: Labels): boolean => labels[key] !== undefined && values.includes(labels[key]);
    return operator === "in" ? isIn : (labels) => !isIn(labels);
  }
  const [, key = "", operator, value = ""] = /^([^=!\s]+)\s*(==|=|!=)\s*(.*)$/.exec(term) ?? [];
  if (operator !== undefined) {
    checkTerm(term, key, [value]);
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const isAbsent = term.startsWith("!");
  const name = isAbsent ? term.slice(1).trim() : term;
  checkTerm(term, name, []);
  return (labels) => (labels[name] === undefined) === isAbsent;
}

function checkTerm(term: string, key: string, values: string[]): void {
  if (isKey(key) && values.every((value) => value === "" || NAME.test(value))) return;
  throw invalidInput({ name: "label_selector", message: `cannot parse '${term}'` });
}
