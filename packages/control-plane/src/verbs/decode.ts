/** Bodies: from bytes to an object of the right kind, and nothing else. */
import { isJsonObject, objectAt, parseApiVersion, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject, ObjectMeta } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { decodeLikeGo, goTypeName } from "../schema/go-decoding.ts";
import type { Say } from "../schema/go-decoding.ts";
import { goJsonProblem } from "../schema/go-json-problem.ts";
import { badRequest, invalid, StatusError } from "../status-error.ts";
import type { Context } from "./context.ts";
import { dropUnknown, repetitions, reportFields } from "./field-validation.ts";
import type { BodyText } from "./field-validation.ts";

const MAX_DEPTH = 200;

export type Decoded = {
  value: unknown;
  /** Absent for a body in protobuf. */
  text?: BodyText;
};

/** Makes an error of why a body cannot be read, in the words of Go's decoders. */
type Refuse = (why: string, text: string) => StatusError;

const SUPPORTED = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/** The body by its Content-Type, a patch's too. Throws UnsupportedMediaType, and what `refuse` makes. */
export async function decode(context: Context, refuse: Refuse): Promise<Decoded> {
  const type = (context.headers.get("content-type") ?? "application/json").split(";")[0]?.trim() ?? "";
  if (type === "application/vnd.kubernetes.protobuf") {
    const { decodeProtobuf } = await import("../protobuf/decode.ts");
    return { value: decodeProtobuf(await context.body()) };
  }
  const isYaml = type.endsWith("yaml");
  if (!isYaml && !type.endsWith("json")) {
    const message = `the body of the request was in an unknown format - accepted media types include: ${SUPPORTED.join(", ")}`;
    throw new StatusError("UnsupportedMediaType", message);
  }
  const text = Buffer.from(await context.body()).toString("utf8");
  // JSON is YAML too, and read much faster.
  const isJson = !isYaml || text.startsWith("{");
  const json = isJson ? tryJson(text) : undefined;
  if (json !== undefined) {
    return { value: checkDepth(json, 0), text: { text, format: isYaml ? "yaml" : "json", isJson: true } };
  }
  if (!isYaml) throw refuse(goJsonProblem(text) ?? "", text);
  const { readYaml, YamlProblem } = await import("../schema/yaml-text.ts");
  try {
    return { value: checkDepth(readYaml(text), 0), text: { text, format: "yaml", isJson: false } };
  } catch (error) {
    throw error instanceof YamlProblem ? refuse(error.message, text) : error;
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const MAX_SUMMARY = 30;

/** The body cannot even be asked what kind it is. */
export function unrecognized({ kind }: Target, why: string, text: string): StatusError {
  const shown = text.startsWith("{") ? text : Buffer.from(text).toString("hex");
  const limit = text.startsWith("{") ? MAX_SUMMARY : 2 * MAX_SUMMARY;
  const summary = shown.length > limit ? `${shown.slice(0, limit)} ...` : shown || "<empty>";
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary})`);
}

export const NO_VERSION_OR_KIND = "couldn't get version/kind; json parse error: ";

/** What a body is to be read as. */
export type Target = Pick<Resource, "group" | "version" | "kind" | "custom" | "schema"> & {
  /** Taken as well. */
  formerApiVersion?: string;
};

/** A kind of which there are only requests. */
export function builtInTarget(apiVersion: string, kind: string): Target {
  const schema = builtInSchema(`${apiVersion.replace(/[.][^/]*/, "")}.${kind}`);
  return { ...parseApiVersion(apiVersion), kind, custom: false, ...(schema && { schema }) };
}

/** The object in the body, checked to be what the path asks for. */
export async function decodeObject(context: Context): Promise<KubeObject> {
  return withMetadata(await decodeKind(context, context.resource), context.resource, context);
}

/** The body as a kind that may be another than the path's; of its metadata no more is known than the types. */
export async function decodeKind(context: Context, target: Target): Promise<JsonObject> {
  const isYaml = context.headers.get("content-type")?.includes("yaml") === true;
  const { value, text } = await decode(context, (why, sent) =>
    unrecognized(target, isYaml ? why : `${NO_VERSION_OR_KIND}${why}`, sent),
  );
  const schema = target.custom || isYaml ? undefined : target.schema;
  const repeated = await repetitions(text, value, schema);
  const object = interpret(value, target, {
    registry: context.server.registry,
    unrecognized: (why) => unrecognized(target, why, text?.text ?? ""),
    unfit: (why) => unfit(target, why),
    text: () => text?.text ?? "",
  });
  const unknown = dropUnknown(object, target);
  const problems = schema !== undefined && repeated.length > 0 ? repeated : [...repeated, ...unknown];
  reportFields(context, problems, (why) => unfit(target, why));
  return object;
}

/** The object that a patch has made of another. `refuse` makes an error of why it is none of the kind. */
export function toPatched(
  value: unknown,
  context: Context,
  patch: { refuse(why: string): StatusError; say?: Say | undefined },
): JsonObject {
  return interpret(value, context.resource, {
    registry: context.server.registry,
    unrecognized: patch.refuse,
    unfit: patch.refuse,
    text: () => JSON.stringify(value),
    isPatch: true,
    say: patch.say,
  });
}

type Reading = {
  registry: Context["server"]["registry"];
  unrecognized(why: string): StatusError;
  unfit(why: string): StatusError;
  text(): string;
  isPatch?: boolean;
  say?: Say | undefined;
};

/** Checks kind and types. Null stands for an object of a built-in kind that says nothing. */
function interpret(value: unknown, target: Target, reading: Reading): JsonObject {
  if (value !== null && !isJsonObject(value)) {
    throw reading.unrecognized(noObject(value));
  }
  const object = value ?? {};
  for (const field of ["apiVersion", "kind"]) {
    const said = object[field] ?? "";
    if (typeof said === "string") continue;
    const why = `json: cannot unmarshal ${goTypeName(said)} into Go struct field .${field} of type string`;
    throw reading.unrecognized(`${NO_VERSION_OR_KIND}${why}`);
  }
  if (target.custom && stringAt(object, "kind") === "") {
    throw reading.unrecognized(`Object 'Kind' is missing in '${reading.text()}'`);
  }
  checkKind(object, target, reading);
  // Of custom kinds all but metadata is checked later, against their own schemas.
  const problem = target.custom
    ? decodeLikeGo(object["metadata"] ?? {}, builtInSchema("meta/v1.ObjectMeta") ?? {})
    : decodeLikeGo(object, target.schema ?? {}, reading.say && { owner: "", path: "", say: reading.say });
  if (problem !== undefined) throw reading.unfit(problem);
  return object;
}

function checkKind(object: JsonObject, target: Target, reading: Reading): void {
  const expected = toApiVersion(target.group, target.version);
  const apiVersion = stringAt(object, "apiVersion") || (target.custom ? "" : expected);
  const kind = stringAt(object, "kind") || target.kind;
  if ((apiVersion === expected || apiVersion === target.formerApiVersion) && kind === target.kind) return;
  if (target.custom) {
    if (apiVersion !== expected && reading.isPatch !== true) {
      const message = `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`;
      throw badRequest(message);
    }
    const causes = [
      { field: "kind", said: kind, wanted: target.kind },
      { field: "apiVersion", said: apiVersion, wanted: expected },
    ]
      .filter(({ said, wanted }) => said !== wanted)
      .map(({ field, said, wanted }) => ({
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(said)}: must be ${wanted}`,
        field,
      }));
    const subject = { group: parseApiVersion(apiVersion).group, plural: "", kind };
    throw invalid(subject, stringAt(objectAt(object, "metadata"), "name"), causes);
  }
  const { group, version } = parseApiVersion(apiVersion);
  const why =
    reading.registry.findKind(group, version, kind) === undefined
      ? notRegistered(apiVersion, kind)
      : `converting (${version}.${kind}) to (${(target.group || "core").split(".")[0] ?? ""}.${target.kind}): unknown conversion`;
  if (reading.isPatch === true) throw reading.unfit(why);
  throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${target.kind}: ${why}`);
}

export function noObject(value: unknown): string {
  const type =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  return `${NO_VERSION_OR_KIND}json: cannot unmarshal ${goTypeName(value)} into Go value of type ${type}`;
}

export function notRegistered(apiVersion: string, kind: string): string {
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
}

/** The body cannot be read as the kind. */
export function unfit({ kind, version }: Target, why: string): StatusError {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}

/** With apiVersion, kind and the path's namespace filled in. */
export function withMetadata(value: JsonObject, resource: Resource, context: Context): KubeObject {
  const { metadata: _metadata, ...rest } = value;
  const expected = { apiVersion: toApiVersion(resource.group, resource.version), kind: resource.kind };
  return { ...rest, ...expected, metadata: toMetadata(value, context) };
}

/** The metadata of what was sent, which the path has to fit. */
export function toMetadata(value: JsonObject, context: Context): ObjectMeta {
  const metadata = { ...objectAt(value, "metadata") };
  const namespace = stringAt(metadata, "namespace");
  if (context.resource.namespaced) {
    if (namespace !== "" && namespace !== context.namespace) {
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
    }
    metadata["namespace"] = context.namespace;
  } else {
    if (namespace !== "")
      throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
    delete metadata["namespace"];
  }
  delete metadata["selfLink"];
  return metadata as ObjectMeta;
}

function checkDepth(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw badRequest("the body is nested too deeply");
  if (typeof value === "object" && value !== null) {
    // Assigning such a key elsewhere would swap an object's prototype.
    if (Object.hasOwn(value, "__proto__")) delete (value as JsonObject)["__proto__"];
    for (const inner of Object.values(value)) checkDepth(inner, depth + 1);
  }
  return value;
}
