/** How a process ends: gently on the first signal, at once on the second or when time is up, and never silently. */
import type { Log } from "@machine-controller/controllers";
import { isKubeError } from "@machine-controller/kube-client";
import { UsageError } from "./usage-error.ts";

/** How long what is under way may take to come to its end; Kubernetes kills after 30 s unless told otherwise. */
const GRACE_MS = 9_500;

/** Aborts on Ctrl-C and SIGTERM. A second signal, or an end that takes too long, exits with 1. */
export function untilStopped({ onForced }: { onForced: (why: string) => void }): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) return onForced(`a second signal: ${name}`);
      stop.abort(new Error(`stopped by ${name}`));
      setTimeout(() => onForced(`not at rest ${GRACE_MS} ms after ${name}`), GRACE_MS).unref();
    });
  }
  return stop.signal;
}

/** Runs a command to its end; whatever ends it otherwise is told in the log, and is the process's exit code 1. */
export async function runToEnd(log: Log, command: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const end = (why: string, error?: unknown): never => {
    log("error", why, stackOf(error));
    process.exit(1);
  };
  process.on("uncaughtException", (error) => end("a defect ends the process", error));
  const signal = untilStopped({ onForced: (why) => end(why) });
  try {
    await command(signal);
    if (signal.aborted) log("info", "stopped");
  } catch (error) {
    end(error instanceof Error ? error.message : String(error), error);
  }
}

/** Of what a person can mend the message says enough. */
const stackOf = (error: unknown): { stack?: string } =>
  error instanceof UsageError || isKubeError(error) || !(error instanceof Error) ? {} : { stack: error.stack ?? "" };
