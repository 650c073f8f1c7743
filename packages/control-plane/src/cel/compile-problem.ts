/** What is wrong with an expression that does not compile, in the words and at the place that Kubernetes names. */
import { ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js";

/** A part of the expression, with what it is made of. */
type Node = { op?: unknown; args?: unknown; range?: { start: number; end: number } };

type Problem = { message: string; column: number };

/** `isFunction`: whether there is one of the name, whatever it takes. */
export function compileProblem(expression: string, error: unknown, isFunction: (name: string) => boolean): string {
  if (!(error instanceof ParseError || error instanceof CelTypeError)) return String(error);
  const { message, column } = describe(expression, error, isFunction);
  return `ERROR: <input>:1:${column + 1}: ${message}\n | ${expression}\n | ${".".repeat(Math.max(0, column))}^`;
}

function describe(
  expression: string,
  error: ParseError | CelTypeError,
  isFunction: (name: string) => boolean,
): Problem {
  const { node, range, summary, code } = error;
  const column = range?.start ?? 0;
  if (error instanceof ParseError) return { message: `Syntax error: ${summary}`, column };
  if (node?.op === "id" && typeof node.args === "string") {
    return { message: `undeclared reference to '${node.args}' (in container '')`, column };
  }
  if (node?.op === "." && Array.isArray(node.args)) {
    const [, field] = node.args as [Node, string];
    const type = /^Cannot index type '(.*)'$/.exec(summary)?.[1];
    if (type !== undefined) {
      return { message: `type '${typeName(type)}' does not support field selection`, column: column - 1 };
    }
    if (code === "no_such_key") return { message: `undefined field '${field}'`, column: column - 1 };
  }
  return (
    operatorProblem(expression, node, summary) ??
    callProblem(expression, { node, summary, isFunction }) ?? { message: summary, column }
  );
}

function operatorProblem(expression: string, node: Node | undefined, summary: string): Problem | undefined {
  const unary = /^no such overload: (!|-)(\S+)$/.exec(summary);
  if (unary !== null) {
    const [, operator = "", type = ""] = unary;
    return { message: noOverload(`${operator}_`, `(${typeName(type)})`), column: node?.range?.start ?? 0 };
  }
  const [first, second] = Array.isArray(node?.args) ? (node.args as Node[]) : [];
  const after = first?.range?.end ?? 0;
  const binary = /^no such overload: (.+) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in) (.+)$/.exec(summary);
  if (binary !== null && second !== undefined) {
    const [, left = "", operator = "", right = ""] = binary;
    const name = operator === "in" ? "@in" : `_${operator}_`;
    const message = noOverload(name, `(${typeName(left)}, ${typeName(right)})`);
    return { message, column: expression.indexOf(operator, after) };
  }
  const branches = /^Ternary branches must have the same type, got '(.+)' and '(.+)'$/.exec(summary);
  if (branches === null) return undefined;
  const types = `(bool, ${typeName(branches[1] ?? "")}, ${typeName(branches[2] ?? "")})`;
  return { message: noOverload("_?_:_", types), column: expression.indexOf("?", after) };
}

type Call = { node: Node | undefined; summary: string; isFunction(name: string): boolean };

function callProblem(expression: string, { node, summary, isFunction }: Call): Problem | undefined {
  const call = /^found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'$/.exec(summary);
  if (call === null) return undefined;
  const [, receiver, name = "", types = ""] = call;
  const last =
    node?.op === "rcall" ? ((node.args as unknown[])[1] as Node | undefined)?.range?.end : node?.range?.start;
  const column = expression.indexOf("(", expression.indexOf(name, last ?? 0));
  if (!isFunction(name)) return { message: `undeclared reference to '${name}' (in container '')`, column };
  const taken = `(${types.split(", ").map(typeName).join(", ")})`;
  return { message: noOverload(name, receiver === undefined ? taken : `${typeName(receiver)}.${taken}`), column };
}

function noOverload(name: string, types: string): string {
  return `found no matching overload for '${name}' applied to '${types}'`;
}

/** `list<string>` is `list(string)` there. */
function typeName(type: string): string {
  return type
    .replaceAll("google.protobuf.Duration", "duration")
    .replaceAll("google.protobuf.Timestamp", "timestamp")
    .replaceAll("<", "(")
    .replaceAll(">", ")");
}
