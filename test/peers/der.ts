// As much of ASN.1's Distinguished Encoding Rules (ITU-T X.690) as certificates and requests for them need.

export type Der = Uint8Array;

export const sequence = (...parts: Der[]): Der => encode(0x30, ...parts);
export const set = (...parts: Der[]): Der => encode(0x31, ...parts);
/** A field that its schema marks `[number]`: wraps the parts. */
export const explicit = (number: number, ...parts: Der[]): Der => encode(0xa0 | number, ...parts);
/** A field that its schema marks `[number] IMPLICIT`: takes the place of the primitive's own tag. */
export const implicit = (number: number, content: Uint8Array): Der => encode(0x80 | number, content);
export const boolean = (value: boolean): Der => encode(0x01, Uint8Array.of(value ? 0xff : 0));
export const octetString = (content: Uint8Array): Der => encode(0x04, content);
export const utf8String = (text: string): Der => encode(0x0c, Buffer.from(text));

/** A whole number from its big-endian bytes. */
export function integer(...bytes: number[]): Der {
  return encode(0x02, Uint8Array.from((bytes[0] ?? 0) > 0x7f ? [0, ...bytes] : bytes));
}

export function bitString(content: Uint8Array, unusedBits = 0): Der {
  return encode(0x03, Uint8Array.of(unusedBits), content);
}

/** From dotted decimal. */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return encode(0x06, Uint8Array.from(bytes));
}

/** To the second, for years before 2050. */
export function utcTime(date: Date): Der {
  return encode(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/\D/g, "")}Z`));
}

function encode(tag: number, ...content: Uint8Array[]): Der {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const sizeBytes = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...sizeBytes), ...content]);
}
