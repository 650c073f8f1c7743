/** Names in the form that the API server generates: a base, a hyphen, and characters that spell no words. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const MAX_NAME_LENGTH = 63;

/** @param bytes five random ones. */
export function generateName(base: string, bytes: Uint8Array): string {
  const suffix = Array.from(bytes.subarray(0, SUFFIX_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return `${base.slice(0, MAX_NAME_LENGTH - 1 - suffix.length)}-${suffix}`;
}

/** The same text gives the same suffix. */
export const toSuffix = (text: string): string =>
  Array.from(text, (character) => ALPHABET[(character.codePointAt(0) ?? 0) % ALPHABET.length]).join("");
