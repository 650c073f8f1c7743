/** Expressions of the Common Expression Language, checked against types before they run, and bounded in what they cost. */
import { Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { Duration } from "@marcbachmann/cel-js/evaluator";
import type { ASTNode } from "@marcbachmann/cel-js";
import { compileProblem } from "./compile-problem.ts";
import { registerCidrFunctions } from "./network-functions.ts";
import { registerListFunctions } from "./list-functions.ts";
import { registerQuantityFunctions } from "./quantity-functions.ts";
import { registerTextFunctions } from "./text-functions.ts";

/** What is wrong with an expression or with its evaluation, in the words of the API server. */
export class CelError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CelError";
  }
}

export type CelType = { name: string; fields: Record<string, string> };

export type CelProgram = {
  /** `bool`, `string`, `dyn`, … */
  type: string;
  uses(variable: string): boolean;
  /** An upper bound of steps when no list, map or text among the values is longer than `longest`. */
  cost(longest: number): number;
  /** Throws CelError. */
  evaluate(values: Record<string, unknown>): unknown;
};

const LIMITS = { maxAstNodes: 20_000, maxDepth: 100 };

function newEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, limits: LIMITS });
  registerListFunctions(environment);
  registerTextFunctions(environment);
  registerQuantityFunctions(environment);
  registerCidrFunctions(environment);
  environment.registerFunction("string(google.protobuf.Duration): string", (duration: Duration) => {
    return `${duration.valueOf() / 1000}s`;
  });
  environment.registerFunction("string(google.protobuf.Timestamp): string", (time: Date) =>
    time.toISOString().replace(/\.?0*Z$/, "Z"),
  );
  for (const [name, type] of [
    ["duration", "google.protobuf.Duration"],
    ["timestamp", "google.protobuf.Timestamp"],
  ]) {
    environment.registerFunction(`${name}(${type}): ${type}`, (value: unknown) => value);
  }
  return environment;
}

const BASE = newEnvironment();
const FUNCTIONS = new Set(BASE.getDefinitions().functions.map(({ name }) => name));

function isFunction(name: string): boolean {
  return FUNCTIONS.has(name);
}

/** `variables` and the fields of `types` name their types as CEL does: `int`, `list<string>`, `map<string, Spec>`. */
export function compileCel(
  expression: string,
  variables: Record<string, string>,
  types: readonly CelType[] = [],
): CelProgram {
  const checked = BASE.clone();
  const running = BASE.clone();
  for (const { name, fields } of types) {
    // Nothing runs here, so that the class is never used; the one the library makes knows no times.
    checked.registerType(name, {
      fields,
      ctor: class {
        readonly type = name;
      },
    });
    checked.registerOperator(`${name} == ${name}`, () => true);
  }
  for (const [name, type] of Object.entries(variables)) {
    checked.registerVariable(name, type);
    running.registerVariable(name, type.startsWith("optional") ? "optional" : "dyn");
  }
  const result = checked.check(expression);
  if (!result.valid) throw new CelError(compileProblem(expression, result.error, isFunction), result.error);
  // Types serve the check; values carry their own, so that an object equals another of the same content.
  const program = running.parse(expression);
  const nodes = countNodes(program.ast);
  const depth = loopDepth(program.ast);
  return {
    type: result.type ?? "dyn",
    uses: (variable) => mentions(program.ast, variable),
    cost: (longest) => nodes * Math.max(1, longest) ** depth,
    evaluate(values) {
      try {
        return program(values);
      } catch (error) {
        throw evaluationError(error);
      }
    },
  };
}

function evaluationError(error: unknown): CelError {
  if (!(error instanceof EvaluationError)) return new CelError(error instanceof Error ? error.message : "", error);
  const summary = error.summary
    .replace(/^No such key: index out of bounds, index (-?\d+).*$/, "index out of bounds: $1")
    .replace(/^No such key: /, "no such key: ");
  return new CelError(summary, error);
}

/** Macros that run their last argument once for each element. */
const LOOPS = ["all", "exists", "exists_one", "map", "filter"];

function childrenOf(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const inner of value) collect(inner);
    else if (typeof value === "object" && value !== null && "op" in value) found.push(value as ASTNode);
  };
  collect(node.args);
  return found;
}

function countNodes(node: ASTNode): number {
  return childrenOf(node).reduce((sum, child) => sum + countNodes(child), 1);
}

function loopDepth(node: ASTNode): number {
  const [first, ...rest] = childrenOf(node).map(loopDepth);
  const isLoop = node.op === "rcall" && LOOPS.includes(node.args[0]);
  return Math.max(first ?? 0, (isLoop ? 1 : 0) + Math.max(0, ...rest));
}

function mentions(node: ASTNode, variable: string): boolean {
  return (node.op === "id" && node.args === variable) || childrenOf(node).some((child) => mentions(child, variable));
}

/** A JSON value of unknown schema; whole numbers become ints. */
export function toCelValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCelValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toCelValue(inner)]));
}
