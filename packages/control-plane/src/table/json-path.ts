/** The part of Kubernetes' JSONPath that printer columns and scale paths use. */
import { isJsonObject, isEqual } from "../object.ts";

type Step =
  | { kind: "key"; key: string }
  | { kind: "index"; index: number }
  | { kind: "slice"; from: number; to?: number; step: number }
  | { kind: "union"; steps: Step[] }
  | { kind: "each" }
  | { kind: "everywhere" }
  | { kind: "filter"; path: Step[]; operator: string; value: unknown };

export type JsonPath = (value: unknown) => unknown[];

/** Compiles `.spec.replicas`, `.a["b"]`, `.a[0]`, `.a[*]`, `.a[0:2]`, `..a`, `.c[?(@.type=="Ready")].status`; throws on anything else. */
export function parseJsonPath(text: string): JsonPath {
  const steps = parseSteps(text.replace(/^\{|\}$/g, "").replace(/^\$/, ""));
  return (value) => steps.reduce<unknown[]>((found, step) => found.flatMap((at) => follow(at, step)), [value]);
}

/** `undefined` for text that is not such a path. */
export function readJsonPath(text: string): JsonPath | undefined {
  try {
    return parseJsonPath(text);
  } catch {
    return undefined;
  }
}

function follow(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case "key":
      return isJsonObject(value) && value[step.key] !== undefined ? [value[step.key]] : [];
    case "index": {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "slice":
      return sliceOf(Array.isArray(value) ? value : [], step);
    case "union":
      return step.steps.flatMap((each) => follow(value, each));
    case "everywhere":
      return everythingIn(value);
    case "each":
      return Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    case "filter":
      return (Array.isArray(value) ? value : []).filter((item) => matches(item, step));
  }
}

function sliceOf(list: readonly unknown[], { from, to, step }: Extract<Step, { kind: "slice" }>): unknown[] {
  return list.slice(from, to).filter((_item, index) => index % step === 0);
}

/** A value and all that is in it. */
function everythingIn(value: unknown): unknown[] {
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  return [value, ...inner.flatMap(everythingIn)];
}

function matches(item: unknown, filter: Extract<Step, { kind: "filter" }>): boolean {
  const found = filter.path.reduce<unknown[]>((at, step) => at.flatMap((value) => follow(value, step)), [item])[0];
  switch (filter.operator) {
    case "":
      return found !== undefined;
    case "!=":
      return !isEqual(found, filter.value);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return isOrdered(found, filter);
    default:
      return isEqual(found, filter.value);
  }
}

function isOrdered(found: unknown, { operator, value }: { operator: string; value: unknown }): boolean {
  const isComparable = typeof found === typeof value && (typeof found === "number" || typeof found === "string");
  if (!isComparable) return false;
  const [left, right] = [found as string, value as string];
  if (left === right) return operator.endsWith("=");
  return left < right === operator.startsWith("<");
}

const KEY = /^\.((?:[^.[\\]|\\.)+)/;
const QUOTED_KEY = /^\[\s*(?:'([^']*)'|"([^"]*)")\s*\]/;
const INDEX = /^\[(-?\d+)\]/;
const SLICE = /^\[(-?\d*):(-?\d*)(?::(\d+))?\]/;
const UNION = /^\[((?:-?\d+|'[^']*')(?:,(?:-?\d+|'[^']*'))+)\]/;
const EVERYWHERE = /^\.(?=\.)/;
const EACH = /^(?:\[\*\]|\.\*)/;
const FILTER =
  /^\[\?\(\s*@((?:\.[^=!<>)\s[]+|\[[^\]]*\])*)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\]/;

function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.startsWith(".") || text.startsWith("[") || text === "" ? text : `.${text}`;
  while (rest !== "" && rest !== ".") {
    const [step, length] = parseStep(rest);
    // Once more finds the same again, and again and again.
    if (step.kind === "everywhere" && steps.at(-1)?.kind === step.kind)
      throw new SyntaxError(`more than one recursive descent at "${rest}"`);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function parseStep(rest: string): [Step, number] {
  const each = EACH.exec(rest);
  if (each) return [{ kind: "each" }, each[0].length];
  const everywhere = EVERYWHERE.exec(rest);
  if (everywhere) return [{ kind: "everywhere" }, everywhere[0].length];
  const slice = SLICE.exec(rest);
  if (slice) {
    const [whole, from = "", to = "", step = "1"] = slice;
    return [
      { kind: "slice", from: Number(from), ...(to !== "" && { to: Number(to) }), step: Number(step) },
      whole.length,
    ];
  }
  const union = UNION.exec(rest);
  if (union) {
    const [whole, parts = ""] = union;
    return [{ kind: "union", steps: parts.split(",").flatMap((part) => parseSteps(`[${part}]`)) }, whole.length];
  }
  const index = INDEX.exec(rest);
  if (index) return [{ kind: "index", index: Number(index[1]) }, index[0].length];
  const quoted = QUOTED_KEY.exec(rest);
  if (quoted) return [{ kind: "key", key: quoted[1] ?? quoted[2] ?? "" }, quoted[0].length];
  const filter = FILTER.exec(rest);
  if (filter) {
    const [whole, path = "", operator = "", value = ""] = filter;
    return [{ kind: "filter", path: parseSteps(path), operator, value: parseLiteral(value) }, whole.length];
  }
  const key = KEY.exec(rest);
  if (key) return [{ kind: "key", key: (key[1] ?? "").replace(/\\(.)/g, "$1") }, key[0].length];
  throw new SyntaxError(`not a JSON path this server knows, at "${rest}"`);
}

function parseLiteral(text: string): unknown {
  if (/^["']/.test(text)) return text.slice(1, -1);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
