/** Bodies in Kubernetes' protobuf form, as Go clients send built-in kinds: decoded to the JSON they stand for. */
import type { JsonObject } from "../object.ts";
import { badRequest } from "../status-error.ts";
import { MESSAGES } from "./messages.generated.ts";
import { fromDuration, fromIntOrString, fromTime, isMap, readFields, toInteger, toText } from "./wire.ts";
import type { WireField } from "./wire.ts";

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
/** Fields that Go embeds: their own fields stand in the parent's JSON. */
const INLINED = ["localObjectReference", "volumeSource", "persistentVolumeSource", "ephemeralContainerCommon"];
const INLINED_IN: Record<string, string> = {
  "core/v1.Probe": "handler",
  "admissionregistration/v1.RuleWithOperations": "rule",
};
/** An empty string says something only here; elsewhere Go clients send it for what is not set. */
const MEANINGFUL_WHEN_EMPTY = ["storageClassName"];
/** Kinds of requests about others, which are not in their path's group. */
const META_KINDS = ["DeleteOptions"];

/** Throws BadRequest for bytes that are not an object this server knows in protobuf form. */
export function decodeProtobuf(bytes: Uint8Array): JsonObject {
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) throw malformed();
  try {
    const envelope = new Map(readFields(bytes.subarray(MAGIC.length)).map((field) => [field.number, field.value]));
    const type = new Map(
      readFields(asBytes(envelope.get(1))).map((field) => [field.number, toText(asBytes(field.value))]),
    );
    const apiVersion = type.get(1) ?? "";
    const kind = type.get(2) ?? "";
    const message = decodeMessage(asBytes(envelope.get(2)), messageOf(apiVersion, kind));
    return { apiVersion, kind, ...message };
  } catch (error) {
    throw malformed(error);
  }
}

function messageOf(apiVersion: string, kind: string): string {
  if (META_KINDS.includes(kind)) return `meta/v1.${kind}`;
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  return `${group.split(".")[0]}/${version}.${kind}`;
}

function decodeMessage(bytes: Uint8Array, name: string): JsonObject {
  const specification = MESSAGES[name];
  if (specification === undefined) throw new RangeError(`no protobuf message ${name}`);
  const fields = new Map(
    specification.split(",").map((field) => {
      const [number = "", fieldName = "", type = ""] = field.split(" ");
      return [Number(number), { name: fieldName, type }];
    }),
  );
  const result: JsonObject = {};
  for (const field of readFields(bytes)) {
    const known = fields.get(field.number);
    if (known !== undefined) assign({ result, field, ...known, isInlined: isInlined(name, known.name) });
  }
  return result;
}

function assign(options: {
  result: JsonObject;
  field: WireField;
  name: string;
  type: string;
  isInlined: boolean;
}): void {
  const { result, field, name, type } = options;
  if (type.startsWith("[]")) {
    const list = (result[name] ??= []) as unknown[];
    list.push(decodeValue(field, type.slice(2)));
    return;
  }
  if (isMap(type)) {
    const entry = new Map(readFields(asBytes(field.value)).map((part) => [part.number, part]));
    const key = entry.get(1) === undefined ? "" : toText(asBytes(entry.get(1)?.value));
    const value = entry.get(2) ?? { number: 2, value: new Uint8Array() };
    result[name] = { ...(result[name] as JsonObject | undefined), [key]: decodeValue(value, type.slice(2)) };
    return;
  }
  const value = decodeValue(field, type);
  if (options.isInlined) Object.assign(result, value);
  else if (value !== undefined && (value !== "" || MEANINGFUL_WHEN_EMPTY.includes(name))) result[name] = value;
}

function isInlined(message: string, field: string): boolean {
  return INLINED.includes(field) || INLINED_IN[message] === field;
}

function decodeValue(field: WireField, type: string): unknown {
  const { value } = field;
  switch (type) {
    case "string":
      return toText(asBytes(value));
    case "bytes":
      return Buffer.from(asBytes(value)).toString("base64");
    case "bool":
      return toInteger(value) !== 0;
    case "int32":
    case "int64":
      return toInteger(value);
    case "Time":
    case "MicroTime":
      return fromTime(asBytes(value), type === "MicroTime");
    case "Duration":
      return fromDuration(asBytes(value));
    case "Quantity":
      return toText(asBytes(readFields(asBytes(value))[0]?.value ?? new Uint8Array()));
    case "IntOrString":
      return fromIntOrString(asBytes(value));
    case "Strings":
      return readFields(asBytes(value)).map((item) => toText(asBytes(item.value)));
    case "RawExtension":
      return JSON.parse(toText(asBytes(readFields(asBytes(value))[0]?.value ?? new Uint8Array())) || "null") as unknown;
    default:
      return decodeMessage(asBytes(value), type);
  }
}

function asBytes(value: WireField["value"] | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new RangeError("a protobuf field has the wrong wire type");
}

function malformed(cause?: unknown): Error {
  return badRequest("the body is not an object of a built-in kind in protobuf form", cause);
}
