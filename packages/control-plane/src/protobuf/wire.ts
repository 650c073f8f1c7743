/** The protobuf wire format, as much as Kubernetes uses. Every function throws RangeError for bytes that end early. */
import { toMicroTime, toTime } from "../clock.ts";

export type WireField = { number: number; value: Uint8Array | bigint };

export function readFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new RangeError("a protobuf varint ends early");
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a protobuf varint is too long");
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError("a protobuf field ends early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    fields.push({ number: tag >> 3, value: readValue(tag & 7, varint, take) });
  }
  return fields;
}

function readValue(wireType: number, varint: () => bigint, take: (length: number) => Uint8Array): Uint8Array | bigint {
  switch (wireType) {
    case 0:
      return varint();
    case 1:
      return take(8);
    case 2:
      return take(Number(varint()));
    case 5:
      return take(4);
    default:
      throw new RangeError(`unknown protobuf wire type ${wireType}`);
  }
}

export function isMap(type: string): boolean {
  return type.startsWith("{}");
}

export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

export function toInteger(value: WireField["value"]): number {
  if (typeof value !== "bigint") throw new RangeError("a protobuf integer has the wrong wire type");
  return Number(BigInt.asIntN(64, value));
}

/** `undefined` for the zero time, which Go sends for what is not set. */
export function fromTime(bytes: Uint8Array, isMicro: boolean): string | undefined {
  const fields = new Map(readFields(bytes).map(({ number, value }) => [number, toInteger(value)]));
  if (fields.size === 0) return undefined;
  const ms = (fields.get(1) ?? 0) * 1000 + (fields.get(2) ?? 0) / 1e6;
  return isMicro ? toMicroTime(ms) : toTime(ms);
}

export function fromDuration(bytes: Uint8Array): string {
  const nanoseconds = toInteger(readFields(bytes)[0]?.value ?? 0n);
  return `${nanoseconds / 1e9}s`;
}

export function fromIntOrString(bytes: Uint8Array): number | string {
  const fields = new Map(readFields(bytes).map(({ number, value }) => [number, value]));
  const text = fields.get(3);
  const isText = toInteger(fields.get(1) ?? 0n) === 1;
  return isText ? toText(text instanceof Uint8Array ? text : new Uint8Array()) : toInteger(fields.get(2) ?? 0n);
}
