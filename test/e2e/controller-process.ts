// The binary as the image starts it: a process of its own, whose output and exit code are what they see.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const KILL_AFTER_MS = 15_000;

export type ControllerProcess = {
  readonly pid: number;
  /** What it has written to stdout and stderr. */
  output(): string;
  /** The first match in the output; throws with the output when the process ends or the time is over before one. */
  printed(pattern: RegExp, options?: { timeoutMs?: number }): Promise<RegExpExecArray>;
  /** Resolves with the exit code, -1 where a signal ended it. */
  readonly exited: Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** Ctrl-C, and SIGKILL if that does not help; resolves with the exit code. Safe to repeat. */
  stop(): Promise<number>;
};

/**
 * @param environment all that the process gets beside `PATH` and `HOME`: credentials of the caller must not reach it by
 * accident.
 */
export function startController(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): ControllerProcess {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [...commandOfImage(), ...args], {
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // In a process group of its own a terminal's Ctrl-C does not reach it: it has to delete what a test leaves first.
    detached: true,
  });
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  let output = "";
  const readers = new Set<() => void>();
  const wake = (): void => readers.forEach((read) => read());
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      wake();
    });
  }
  let code: number | undefined;
  const exited = once(child, "close").then(([exitCode]) => {
    process.off("exit", kill);
    code = (exitCode as number | null) ?? -1;
    wake();
    return code;
  });

  return {
    // Not a process where it could not be started; `exited` then says so.
    pid: child.pid ?? Number.NaN,
    output: () => output,
    exited,
    signal: (name) => void child.kill(name),
    async printed(pattern, { timeoutMs = 30_000 } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const fail = (why: string): void => reject(new Error(`${why} before it printed ${pattern}:\n${output}`));
      const read = (): void => {
        const match = pattern.exec(output);
        if (match !== null) resolve(match);
        else if (code !== undefined) fail(`the controller ended (exit code ${code})`);
      };
      const timer = setTimeout(() => fail(`${timeoutMs / 1000} s passed`), timeoutMs);
      readers.add(read);
      read();
      return promise.finally(() => {
        clearTimeout(timer);
        readers.delete(read);
      });
    },
    async stop() {
      if (code === undefined) child.kill("SIGINT");
      const timer = setTimeout(kill, KILL_AFTER_MS);
      return exited.finally(() => clearTimeout(timer));
    },
  };
}

/** What the image gives to Node: its flags, and the program. */
function commandOfImage(): string[] {
  const command = readFileSync(join(ROOT, "deploy/bin/machine-controller"), "utf8");
  const [, flags = "", program = ""] = /^exec node (.*) \/app\/(\S+) "\$@"$/m.exec(command) ?? [];
  return [...flags.split(" "), join(ROOT, program)];
}
