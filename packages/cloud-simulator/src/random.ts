/** Keys, passwords and chances come from here only. */
import { randomBytes } from "node:crypto";

export type Random = {
  bytes(count: number): Uint8Array;
};

export const systemRandom: Random = { bytes: (count) => randomBytes(count) };

/** A number in [0, 1). */
export function fraction(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/** Lower-case hexadecimal text of `length` characters. */
export function hex(random: Random, length: number): string {
  return Buffer.from(random.bytes(Math.ceil(length / 2)))
    .toString("hex")
    .slice(0, length);
}

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const digits = hex(random, 32);
  const variant = "89ab"[Number.parseInt(digits[16] ?? "0", 16) % 4] ?? "8";
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
