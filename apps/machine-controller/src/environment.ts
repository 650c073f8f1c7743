/** The outside as this process has it: clock, randomness, HTTP. */
import { randomFillSync } from "node:crypto";

export const systemRandom = {
  bytes: (length: number): Uint8Array => randomFillSync(new Uint8Array(length)),
};

/** A number in [0, 1). */
export const random01 = (): number => new DataView(systemRandom.bytes(4).buffer).getUint32(0) / 2 ** 32;

export const systemFetch = (request: Request): Promise<Response> => fetch(request);
