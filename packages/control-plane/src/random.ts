/** Source of randomness for names, UIDs and tokens. A simulation passes a seeded one. */
export type Random = { bytes(length: number): Uint8Array };

/** Kubernetes leaves out vowels and look-alikes so that generated names spell nothing. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The suffix `generateName` appends. */
export function randomSuffix(random: Random): string {
  return [...random.bytes(5)].map((byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]).join("");
}

export function randomToken(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("base64url");
}
