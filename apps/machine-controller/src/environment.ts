/** The outside as this process has it: clock, randomness, HTTP. */
import { randomFillSync } from "node:crypto";

/** Asking the system costs the same for one byte as for many. */
const drawn = new Uint8Array(4_096);
let used = drawn.length;

export const systemRandom = {
  bytes(length: number): Uint8Array {
    if (length > drawn.length) return randomFillSync(new Uint8Array(length));
    if (used + length > drawn.length) {
      randomFillSync(drawn);
      used = 0;
    }
    const bytes = drawn.slice(used, used + length);
    // A key may come of them.
    drawn.fill(0, used, used + length);
    used += length;
    return bytes;
  },
};

/** A number in [0, 1). */
export const random01 = (): number => new DataView(systemRandom.bytes(4).buffer).getUint32(0) / 2 ** 32;

export const systemFetch = (request: Request): Promise<Response> => fetch(request);
