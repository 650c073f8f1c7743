/** Flags in the forms that Go's flag package takes, so that existing Deployments work unedited. */
import { parseGoDuration } from "@machine-controller/provider";
import { UsageError } from "./usage-error.ts";

/** `-worker-count=5` → `--worker-count=5`: one dash or two are the same; single letters stay as they are. */
export const toLongFlags = (args: readonly string[]): string[] =>
  args.map((arg) => (/^-[a-zA-Z][\w-]/.test(arg) ? `-${arg}` : arg));

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
  return ms;
}

export function parseCount(value: string): number {
  if (!/^\d+$/.test(value)) throw new UsageError(`"${value}" is not a whole number`);
  return Number(value);
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

/** `host:port`, with an empty host for all interfaces. */
export function parseAddress(value: string): { host: string; port: number } {
  const match = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new UsageError(`"${value}" is not an address; use host:port, for example 127.0.0.1:8080`);
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}
