/**
 * A ConfigVar is a setting given as a literal, or by reference to a key of a Secret or ConfigMap, or left to an
 * environment variable of the controller.
 *
 * Order: secretKeyRef, configMapKeyRef, literal, and only if these give nothing the environment. A reference counts only
 * with namespace, name and key. A reference that cannot be read is an error: the Go implementation fell back to the
 * environment then, and so could act on the wrong account.
 */
import { TerminalError } from "./errors.ts";
import { memberOf } from "./member-of.ts";

export type KeyReference = { namespace?: string; name?: string; key?: string };
export type ConfigVarObject<T> = { value?: T; secretKeyRef?: KeyReference; configMapKeyRef?: KeyReference };
export type ConfigVarString = string | number | boolean | ConfigVarObject<string>;
export type ConfigVarBool = boolean | ConfigVarObject<boolean>;

/** Reads the data of an object, decoded; undefined when it does not exist; throws when that cannot be told. */
export type DataReader = (
  ref: { namespace: string; name: string },
  options: { signal: AbortSignal },
) => Promise<Readonly<Record<string, string>> | undefined>;

export type ConfigVarResolver = {
  /** The text, `""` when unset everywhere. */
  string(variable: ConfigVarString | undefined, options: ResolveOptions): Promise<string>;
  /** undefined when unset everywhere. Text is read as Go's ParseBool reads it. */
  bool(variable: ConfigVarBool | undefined, options: ResolveOptions): Promise<boolean | undefined>;
  /** undefined when unset everywhere. */
  int(variable: ConfigVarString | undefined, options: ResolveOptions): Promise<number | undefined>;
  /** Milliseconds of a Go duration such as `1h30m`; undefined when unset, zero or negative. */
  duration(variable: ConfigVarString | undefined, options: ResolveOptions): Promise<number | undefined>;
};

export type ResolveOptions = {
  /** Where the variable stands, for errors. */
  path: string;
  env?: string | undefined;
  signal: AbortSignal;
};

export function createConfigVarResolver(sources: {
  readSecret: DataReader;
  readConfigMap: DataReader;
  environment: Readonly<Record<string, string | undefined>>;
  /** Told of every value that came out of a Secret: it must never be printed. */
  conceal?: (value: string) => void;
}): ConfigVarResolver {
  async function referenced(variable: object, { path, signal }: ResolveOptions): Promise<string | undefined> {
    const secret = referenceOf(variable, "secretKeyRef");
    if (secret !== undefined) {
      const value = keyOf(await sources.readSecret(secret, { signal }), secret, { kind: "Secret", path });
      sources.conceal?.(value);
      return value;
    }
    const configMap = referenceOf(variable, "configMapKeyRef");
    if (configMap !== undefined) {
      return keyOf(await sources.readConfigMap(configMap, { signal }), configMap, { kind: "ConfigMap", path });
    }
    return undefined;
  }

  /** `variable` may come from a spec that no schema has passed. */
  async function text(variable: unknown, options: ResolveOptions): Promise<string> {
    const isObject = typeof variable === "object" && variable !== null && !Array.isArray(variable);
    const found = isObject ? ((await referenced(variable, options)) ?? memberOf(variable, "value")) : variable;
    const given = found ?? "";
    if (!isLiteral(given)) throw malformed(options.path, "a text, a secretKeyRef or a configMapKeyRef");
    return String(given) || (options.env && sources.environment[options.env]) || "";
  }

  return {
    string: text,
    async bool(variable, options) {
      const found = await text(variable, options);
      if (found === "") return undefined;
      if (TRUE.has(found)) return true;
      if (FALSE.has(found)) return false;
      throw malformed(options.path, "true or false");
    },
    async int(variable, options) {
      const found = await text(variable, options);
      if (found === "") return undefined;
      if (!/^-?\d+$/.test(found)) throw malformed(options.path, "a whole number");
      return Number(found);
    },
    async duration(variable, options) {
      const found = await text(variable, options);
      if (found === "") return undefined;
      const ms = parseGoDuration(found);
      if (ms === undefined) throw malformed(options.path, "a duration such as 90s or 1h30m");
      return ms > 0 ? ms : undefined;
    },
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3, // micro sign
  "\u03bcs": 1e-3, // Greek letter mu
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration in the form of Go's time.ParseDuration; undefined when it is not one. */
export function parseGoDuration(duration: string): number | undefined {
  const [, sign, amounts = ""] = /^([+-]?)(.+)$/.exec(duration) ?? [];
  if (amounts === "0") return 0;
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(amounts)) return undefined;
  let total = 0;
  for (const [, amount, unit] of amounts.matchAll(/([\d.]+)([^\d.]+)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return sign === "-" ? -total : total;
}

/** Whether a ConfigVar names a key of a Secret or ConfigMap completely, and so counts as a reference. */
export const isReference = (variable: unknown): boolean =>
  typeof variable === "object" &&
  variable !== null &&
  (referenceOf(variable, "secretKeyRef") ?? referenceOf(variable, "configMapKeyRef")) !== undefined;

// The values that Go's strconv.ParseBool takes.
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

const isLiteral = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);

function referenceOf(variable: object, kind: "secretKeyRef" | "configMapKeyRef"): Required<KeyReference> | undefined {
  const reference = memberOf(variable, kind);
  const [namespace, name, key] = ["namespace", "name", "key"].map((part) => memberOf(reference, part));
  const complete = [namespace, name, key].every((part) => typeof part === "string" && part !== "");
  return complete ? ({ namespace, name, key } as Required<KeyReference>) : undefined;
}

function keyOf(
  data: Readonly<Record<string, string>> | undefined,
  ref: Required<KeyReference>,
  { kind, path }: { kind: string; path: string },
): string {
  const object = `${kind} ${ref.namespace}/${ref.name}`;
  if (data === undefined)
    throw new TerminalError("InvalidConfiguration", `${path}: ${object} does not exist; create it`);
  const value = data[ref.key];
  if (value !== undefined) return value;
  throw new TerminalError("InvalidConfiguration", `${path}: ${object} has no key "${ref.key}"; add it`);
}

/** Does not show the value: what is not a number may be a secret in the wrong place. */
function malformed(path: string, wanted: string): TerminalError {
  return new TerminalError("InvalidConfiguration", `${path}: must be ${wanted}`);
}
