/** Ctrl-C and SIGTERM as an AbortSignal; a second one is forced. */
export function untilStopped({ onForced }: { onForced: () => void }): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) onForced();
      else stop.abort(new Error(`stopped by ${name}`));
    });
  }
  return stop.signal;
}
