/**
 * Runs the parts of a process until the signal aborts, or one fails: then the others are stopped too, and once all have
 * come to their end its error is thrown. A part may end early by itself.
 */
export async function runTogether(
  signal: AbortSignal,
  parts: readonly ((stop: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part(stop);
      } catch (error) {
        // What fails while everything stops was stopped.
        if (!stop.aborted) failed.abort(error);
      }
    }),
  );
  if (failed.signal.aborted) throw failed.signal.reason;
}
