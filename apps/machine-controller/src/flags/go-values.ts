/** Values of flags in the forms that Go's packages take. Each parser throws a UsageError that says what a value looks like. */
import { parseGoDuration } from "@machine-controller/provider";
import { UsageError } from "../usage-error.ts";

// The values that Go's strconv.ParseBool takes.
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

export function parseBoolean(value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw new UsageError(`"${value}" is not a boolean; use true or false`);
}

/** Milliseconds. */
export function parseDuration(value: string): number {
  const ms = parseGoDuration(value);
  if (ms === undefined) throw new UsageError(`"${value}" is not a duration; use a form such as 30s, 25m or 2h`);
  if (ms < 0) throw new UsageError(`must not be negative, is ${value}`);
  return ms;
}

export function parseCount(value: string): number {
  if (!/^\d+$/.test(value)) throw new UsageError(`"${value}" is not a whole number`);
  return Number(value);
}

export function parsePositiveCount(value: string): number {
  const count = parseCount(value);
  if (count === 0) throw new UsageError("must be at least 1, is 0");
  return count;
}

/** `Gate=true,Other=false`. */
export function parseFeatureGates(value: string): Record<string, boolean> {
  const pairs = value.split(",").filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [gate = "", state] = pair.split("=");
      if (state === undefined)
        throw new UsageError(`feature gate "${pair}" must have the form Gate=true or Gate=false`);
      return [gate.trim(), parseBoolean(state.trim())];
    }),
  );
}

export type Address = { host: string; port: number };

/** `host:port`, with an empty host for all interfaces; false for "" and "0": nothing is served. */
export function parseAddress(value: string): Address | false {
  if (value === "" || value === "0") return false;
  const match = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new UsageError(`"${value}" is not an address; use host:port, for example 127.0.0.1:8080`);
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

/** `namespace/name` or nothing. */
export function parseNamespacedName(value: string): string {
  if (value !== "" && !/^[^/]+\/[^/]+$/.test(value))
    throw new UsageError(`"${value}" must have the form namespace/name`);
  return value;
}

export function parseLogFormat(value: string): "json" | "console" {
  const format = value.toLowerCase();
  if (format === "json" || format === "console") return format;
  throw new UsageError(`"${value}" is not a format; use JSON or console`);
}

/** A comma list; blanks around its items do not count. */
export const parseList = (value: string): string[] =>
  value
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);

export const parseOneOf =
  <T extends string>(...values: readonly T[]) =>
  (text: string): T => {
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) throw new UsageError(`"${text}" is not one of ${values.join(", ")}`);
    return value;
  };
