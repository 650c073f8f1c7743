/** The clock of the tests. */

export const START = Date.parse("2026-01-31T08:00:00Z");

/** Time that stands still until a test moves it. */
export function createManualClock() {
  let now = START;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => now,
    sleep: (ms: number, { signal }: { signal: AbortSignal }): Promise<void> =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        const give = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        };
        signal.addEventListener("abort", give, { once: true });
        return undefined;
      }),
    advance: async (ms: number): Promise<void> => {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await turn();
    },
  };
}

/** Lets everything that is ready run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
