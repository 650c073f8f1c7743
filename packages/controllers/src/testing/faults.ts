/** Numbers every call that code under test makes to the API server or a cloud, and breaks the one that a test names. */

/**
 * What happens to a call. `late`: the caller gets no answer, and the effect comes about some time after; the two crashes
 * end the process that called, before or after the effect.
 */
export const FAULTS = [
  "lost request",
  "lost reply",
  "late effect",
  "crash before",
  "crash after",
  "crash, late",
] as const;
/** `conflict`: refused, because the object has changed; only writes to the API server can be. */
export type Fault = (typeof FAULTS)[number] | "conflict";

export const MOST_CALLS = 20_000;

type Call<T> = { name: string; effect: () => T; lost: () => Error; conflict?: () => Error };

export type Faults = {
  /** Names of the calls so far, in order. */
  readonly calls: string[];
  /** Decides about the nth call (from 1) of the given name; undefined lets it pass. */
  plan: (n: number, name: string) => Fault | undefined;
  pass<T>(call: Call<T>): Promise<T>;
};

export function createFaults(options: {
  crash: () => void;
  /** Runs an effect some time from now. */
  later: (effect: () => void) => void;
}): Faults {
  const calls: string[] = [];
  const faults: Faults = {
    calls,
    plan: () => undefined,
    async pass({ name, effect, lost, conflict }) {
      // A loop without a pause would never let the test go on and say so.
      if (calls.length >= MOST_CALLS) return new Promise(() => {});
      const fault = faults.plan(calls.push(name), name);
      if (fault === "late effect" || fault === "crash, late") {
        options.later(() => {
          try {
            effect();
          } catch {
            // Refused when it arrived; nobody is there to be told.
          }
        });
      }
      if (fault === "crash before" || fault === "crash, late") return crash();
      if (fault === "lost request" || fault === "late effect") throw lost();
      if (fault === "conflict" && conflict !== undefined) throw conflict();
      const result = effect();
      if (fault === "crash after") return crash();
      if (fault === "lost reply") throw lost();
      return result;
    },
  };
  function crash(): Promise<never> {
    options.crash();
    return new Promise(() => {});
  }
  return faults;
}
