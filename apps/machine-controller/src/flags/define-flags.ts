/**
 * Flags as a table: name, meaning, default and parser in one place, in the forms that Go's flag package takes
 * (one dash or two, `-name=value` or `-name value`, booleans bare), so that existing Deployments work unedited.
 */
import type { Command } from "commander";
import { parseBoolean } from "./go-values.ts";
import { UsageError } from "../usage-error.ts";

export type Flag<T> = {
  /** Heading in `--help`; undefined: accepted and not shown. */
  readonly group: string | undefined;
  readonly help: string;
  /** What stands for the value in `--help`. */
  readonly value: string;
  readonly fallback: T;
  /** The fallback in `--help`. */
  readonly shown: string;
  /** Whether the bare flag means true. */
  readonly bare: boolean;
  /** @throws UsageError saying what a value looks like. */
  parse(text: string): T;
};

/** By name in camel case: `nodeCsrApprover` is `-node-csr-approver`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

type About = { group?: string; help: string; value?: string };

export function text(fallback: string, about: About): Flag<string> {
  return parsed({ ...about, value: about.value ?? "text", fallback, shown: fallback, parse: (given) => given });
}

export function boolean(fallback: boolean, about: About): Flag<boolean> {
  return {
    ...parsed({ ...about, value: "bool", fallback, shown: String(fallback), parse: parseBoolean }),
    bare: true,
  };
}

export function parsed<T>(flag: About & { fallback: T; shown: string; parse(text: string): T }): Flag<T> {
  const { group, help, value = "value", fallback, shown, parse } = flag;
  return { group, help, value, fallback, shown: shown || "none", bare: false, parse };
}

/** Flags that Deployments pass and that do nothing any more, in the Go implementation too. */
export function withoutEffect<const Name extends string>(names: readonly Name[]): Record<Name, Flag<string>> {
  const flags = names.map((name) => [name, text("", { help: "accepted for compatibility" })]);
  return Object.fromEntries(flags) as Record<Name, Flag<string>>;
}

export function addFlags(command: Command, flags: Flags): Command {
  for (const [key, flag] of Object.entries(flags)) {
    const name = toFlagName(key);
    const option = command.createOption(`--${name} ${flag.bare ? `[${flag.value}]` : `<${flag.value}>`}`, flag.help);
    option.default(flag.fallback, flag.shown);
    option.argParser((given) => {
      try {
        return flag.parse(given);
      } catch (cause) {
        if (!(cause instanceof UsageError)) throw cause;
        throw new UsageError(`-${name}: ${cause.message}`, { cause });
      }
    });
    command.addOption(flag.group === undefined ? option.hideHelp() : option.helpGroup(`${flag.group}:`));
  }
  return command;
}

/** `-worker-count=5` → `--worker-count=5`; single letters stay as they are. */
export const toLongFlags = (args: readonly string[]): string[] =>
  args.map((arg) => (/^-[a-zA-Z][\w-]/.test(arg) ? `-${arg}` : arg));

export const toFlagName = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
