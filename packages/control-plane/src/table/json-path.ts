/** The part of Kubernetes' JSONPath that printer columns and scale paths use. */
import { isJsonObject, isEqual } from "../object.ts";

type Step =
  | { kind: "key"; key: string }
  | { kind: "index"; index: number }
  | { kind: "each" }
  | { kind: "filter"; path: Step[]; operator: string; value: unknown };

export type JsonPath = (value: unknown) => unknown[];

/** Compiles `.spec.replicas`, `.a["b"]`, `.a[0]`, `.a[*]`, `.c[?(@.type=="Ready")].status`; throws on anything else. */
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
    case "each":
      return Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    case "filter":
      return (Array.isArray(value) ? value : []).filter((item) => matches(item, step));
  }
}

function matches(item: unknown, filter: Extract<Step, { kind: "filter" }>): boolean {
  const found = filter.path.reduce<unknown[]>((at, step) => at.flatMap((value) => follow(value, step)), [item])[0];
  switch (filter.operator) {
    case "":
      return found !== undefined;
    case "!=":
      return !isEqual(found, filter.value);
    default:
      return isEqual(found, filter.value);
  }
}

const KEY = /^\.((?:[^.[\\]|\\.)+)/;
const QUOTED_KEY = /^\[\s*(?:'([^']*)'|"([^"]*)")\s*\]/;
const INDEX = /^\[(-?\d+)\]/;
const EACH = /^(?:\[\*\]|\.\*)/;
const FILTER = /^\[\?\(\s*@((?:\.[^=!)\s[]+|\[[^\]]*\])+)\s*(?:(==|!=)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*)?\)\]/;

function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.startsWith(".") || text.startsWith("[") || text === "" ? text : `.${text}`;
  while (rest !== "" && rest !== ".") {
    const [step, length] = parseStep(rest);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function parseStep(rest: string): [Step, number] {
  const each = EACH.exec(rest);
  if (each) return [{ kind: "each" }, each[0].length];
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
