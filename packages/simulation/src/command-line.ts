/** Options of `npm run simulate`. */
import { parseArgs } from "node:util";
import { CLOUD_NAMES, type CloudName } from "./clouds/registry.ts";

export type SimulateOptions = {
  seeds: number;
  from: number;
  seed: string | undefined;
  cloud: CloudName | undefined;
  only: ReadonlySet<string> | undefined;
  verbose: boolean;
  html: string | undefined;
  workers: number | undefined;
};

export const HELP = `npm run simulate -- [options]

Runs worlds, each made from a seed, and holds them to every promise. Ends with 1 where one is broken.

  --seeds N       how many worlds (default 100)
  --from S        first seed (default 1)
  --seed N        replays one world
  --verbose       with --seed: everyday traffic too
  --only IDS      with --seed: only these faults and doings strike, as a shrunk history names them, separated by ";"
  --html FILE     with --seed, or of the first failure: the history as a page
  --provider X    only worlds of this cloud: ${CLOUD_NAMES.join(", ")}
  --workers N     worlds at once (default: one a core)
  --help
`;

/** undefined: help was asked for. @throws Error that says what is wrong. */
export function parseCommandLine(args: readonly string[]): SimulateOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      provider: { type: "string" },
      only: { type: "string" },
      verbose: { type: "boolean", default: false },
      html: { type: "string" },
      workers: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const cloud = CLOUD_NAMES.find((name) => name === values.provider);
  if (values.provider !== undefined && cloud === undefined) {
    throw new Error(`--provider: no cloud is called "${values.provider}"; use one of ${CLOUD_NAMES.join(", ")}`);
  }
  return {
    seeds: count("--seeds", values.seeds),
    from: count("--from", values.from),
    seed: values.seed,
    cloud,
    only: values.only === undefined ? undefined : new Set(values.only.split(";").filter((id) => id !== "")),
    verbose: values.verbose,
    html: values.html,
    workers: values.workers === undefined ? undefined : count("--workers", values.workers),
  };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option}: "${text}" is not a whole number from 1`);
  return value;
}
