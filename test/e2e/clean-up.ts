// Undoing what a suite did, also when somebody presses Ctrl-C half-way.
import { constants } from "node:os";

export type CleanUp = {
  /** Aborted by the first Ctrl-C (or SIGTERM): whatever waits must end. */
  readonly signal: AbortSignal;
  defer(undo: () => Promise<unknown>): void;
  /** Undoes all, the last first, even where one fails; then a signal is the process's own business again. */
  run(): Promise<void>;
};

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** After a signal the process cleans up and exits non-zero; the same signal again ends it at once. */
export function createCleanUp(): CleanUp {
  const interrupted = new AbortController();
  const undos: (() => Promise<unknown>)[] = [];
  const received = new Set<string>();

  let running: Promise<void> | undefined;
  // A test runner may ask for it while a signal's clean-up is under way.
  const run = (): Promise<void> => (running ??= undoAll());

  async function undoAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
      await undo().catch((error: unknown) => errors.push(error));
    }
    for (const signal of SIGNALS) process.off(signal, onSignal);
    if (errors.length > 0) throw new AggregateError(errors, `clean-up failed: ${errors.map(String).join("; ")}`);
  }

  function onSignal(signal: (typeof SIGNALS)[number]): void {
    const exit = (): never => process.exit(128 + constants.signals[signal]);
    // A test runner passes a Ctrl-C on as a SIGTERM: only the same signal again is meant to force an end.
    if (received.has(signal)) exit();
    received.add(signal);
    if (received.size > 1) return;
    // Whoever read our output may be gone already.
    process.stdout.on("error", () => undefined);
    process.stderr.on("error", () => undefined);
    console.log(`${signal}: cleaning up; once more to give up`);
    interrupted.abort(new Error(`interrupted by ${signal}`));
    run()
      .catch((error: unknown) => console.error(error))
      .finally(exit);
  }

  for (const signal of SIGNALS) process.on(signal, onSignal);
  return { signal: interrupted.signal, defer: (undo) => void undos.push(undo), run };
}

/** What could be opened only in part is closed again. */
export async function withCleanUp<T>(open: (cleanUp: CleanUp) => Promise<T>): Promise<T> {
  const cleanUp = createCleanUp();
  try {
    return await open(cleanUp);
  } catch (error) {
    await cleanUp.run();
    throw error;
  }
}
