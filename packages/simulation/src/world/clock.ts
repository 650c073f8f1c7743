/**
 * What it means that nothing more happens without the scheduler: everything that can run in this process has run. Node's
 * WebCrypto works in threads, so it is made to take one task after the other and is waited for.
 */

/** WebCrypto is one for the whole process, and so is what waits for it. */
const webCrypto = { last: Promise.resolve() as Promise<unknown>, tasks: 0 };

/** Returns when everything is blocked on the simulated network or clock: a turn passed, and nobody had asked WebCrypto. */
export async function untilBlocked(): Promise<void> {
  do {
    if (webCrypto.tasks > 0) await webCrypto.last;
    await new Promise<void>((resolve) => setImmediate(resolve));
  } while (webCrypto.tasks > 0);
}

/** From here on WebCrypto in this process answers in the order in which it was asked. */
export function serializeCrypto(): void {
  const { subtle } = globalThis.crypto;
  for (const name of ["digest", "sign", "verify", "generateKey", "importKey", "exportKey"] as const) {
    const original = (subtle[name] as (...input: unknown[]) => Promise<unknown>).bind(subtle);
    const serial = (...input: unknown[]): Promise<unknown> => {
      webCrypto.tasks += 1;
      const result = webCrypto.last.then(() => original(...input)).finally(() => (webCrypto.tasks -= 1));
      webCrypto.last = result.catch(() => undefined);
      return result;
    };
    Object.defineProperty(subtle, name, { value: serial, configurable: true });
  }
}

/** Real time, for progress and rates only: nothing in a world reads it. */
export const wallClockMs = (): number => performance.now();
