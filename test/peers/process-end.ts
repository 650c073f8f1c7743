// Cleaning up when this process ends, whatever ends it (but SIGKILL).

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs the synchronous `cleanUp` once when this process exits or is asked to; the signal then ends the process as it
 * would have without us. The returned function takes the promise back.
 */
export function onProcessEnd(cleanUp: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    onExit();
    // Another listener means that somebody else decides how this process ends.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const onExit = (): void => {
    release();
    cleanUp();
  };
  const release = (): void => {
    process.off("exit", onExit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  process.once("exit", onExit);
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return release;
}
