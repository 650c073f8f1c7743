/** Label selectors in text form: `a=b,c!=d,e in (f,g),h,!i,n>3`. */
import { badRequest } from "../status-error.ts";
import type { Labels } from "./label-selector.ts";

export type LabelPredicate = (labels: Labels) => boolean;

const NAME = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const NAME_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const TOKEN = /[(),<>]|!=|!|==|=|[^\s(),<>!=]+/g;
const SYMBOL = /^[(),<>!=]/;
const OPERATORS = ["in", "notin", "=", "==", "!=", "gt", "lt"];
const INTEGER = /^-?\d+$/;

/** Throws BadRequest for text that is not a selector. */
export function parseLabelSelector(text: string): LabelPredicate {
  const tokens = createTokens(text);
  const predicates: LabelPredicate[] = [];
  while (tokens.peek() !== "") {
    predicates.push(parseRequirement(tokens));
    const separator = tokens.take();
    if (separator === "") break;
    if (separator !== ",") throw unparsable(`found '${separator}', expected: ',' or 'end of string'`);
    if (tokens.peek() === "") throw unparsable("found '', expected: identifier after ','");
  }
  return (labels) => predicates.every((matches) => matches(labels));
}

type Tokens = { peek(): string; take(): string };

/** Past the end come empty tokens. */
function createTokens(text: string): Tokens {
  const all = text.match(TOKEN) ?? [];
  let at = 0;
  return { peek: () => all[at] ?? "", take: () => all[at++] ?? "" };
}

function isWord(token: string): boolean {
  return token !== "" && !SYMBOL.test(token);
}

function parseRequirement(tokens: Tokens): LabelPredicate {
  const negated = tokens.peek() === "!";
  if (negated) tokens.take();
  const key = tokens.take();
  if (!isWord(key)) throw unparsable(`found '${key}', expected: identifier`);
  if (!NAME.test(key)) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${NAME_RULE}`);
  if (negated) return (labels) => labels[key] === undefined;
  if (["", ","].includes(tokens.peek())) return (labels) => labels[key] !== undefined;
  const operator = tokens.take();
  switch (operator) {
    case "in":
    case "notin": {
      const values = parseValues(tokens, key);
      return operator === "in"
        ? (labels) => labels[key] !== undefined && values.includes(labels[key])
        : (labels) => labels[key] === undefined || !values.includes(labels[key]);
    }
    case "=":
    case "==":
    case "!=": {
      const value = checkValue(parseValue(tokens), { key, index: 0 });
      return (labels) => (labels[key] === value) === (operator !== "!=");
    }
    case "<":
    case ">":
      return compare(key, operator, parseValue(tokens));
    default:
      throw unparsable(`found '${operator}', expected: ${OPERATORS.join(", ")}`);
  }
}

function compare(key: string, operator: "<" | ">", value: string): LabelPredicate {
  if (!INTEGER.test(value)) {
    const rule = "for 'Gt', 'Lt' operators, the value must be an integer";
    throw unparsable(`values[0]: Invalid value: ${JSON.stringify(value)}: ${rule}`);
  }
  return (labels) => {
    const actual = labels[key] ?? "";
    if (!INTEGER.test(actual)) return false;
    return operator === "<" ? Number(actual) < Number(value) : Number(actual) > Number(value);
  };
}

function parseValue(tokens: Tokens): string {
  if (["", ","].includes(tokens.peek())) return "";
  const value = tokens.take();
  if (!isWord(value)) throw unparsable(`found '${value}', expected: identifier`);
  return value;
}

/** `(a,b)`; a missing item is the empty value. */
function parseValues(tokens: Tokens, key: string): string[] {
  const open = tokens.take();
  if (open !== "(") throw unparsable(`found '${open}', expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(checkValue(isWord(tokens.peek()) ? tokens.take() : "", { key, index: values.length }));
    const separator = tokens.take();
    if (separator === ")") return values;
    if (separator !== ",") throw unparsable(`found '${separator}', expected: ',' or ')'`);
  }
}

function checkValue(value: string, at: { key: string; index: number }): string {
  if (VALUE.test(value)) return value;
  throw unparsable(`values[${at.index}][${at.key}]: Invalid value: ${JSON.stringify(value)}: ${VALUE_RULE}`);
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}
