/** Bodies: from bytes to an object of the right kind, and nothing else. */
import { isJsonObject, objectAt, parseApiVersion, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject, ObjectMeta } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { decodeLikeGo } from "../schema/go-decoding.ts";
import { badRequest, invalid, StatusError } from "../status-error.ts";
import type { Context } from "./context.ts";

const MAX_DEPTH = 200;

/** The body as JSON or YAML by its Content-Type. Throws BadRequest or UnsupportedMediaType. */
export async function decodeBody(context: Context): Promise<unknown> {
  const type = (context.headers.get("content-type") ?? "application/json").split(";")[0]?.trim() ?? "";
  if (type === "application/vnd.kubernetes.protobuf") {
    const { decodeProtobuf } = await import("../protobuf/decode.ts");
    return decodeProtobuf(await context.body());
  }
  const text = Buffer.from(await context.body()).toString("utf8");
  if (text === "") throw badRequest("Required body is missing: the request has none");
  return type === "application/yaml" || type === "application/apply-patch+yaml"
    ? parseYaml(text)
    : parseJson(text, type);
}

async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return checkDepth(parse(text, { maxAliasCount: 100, logLevel: "error" }), 0);
  } catch (error) {
    throw badRequest("error parsing YAML: the body is not valid YAML", error);
  }
}

function parseJson(text: string, type: string): unknown {
  if (!type.endsWith("json") && type !== "application/x-www-form-urlencoded" && type !== "text/plain") {
    throw new StatusError(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`,
    );
  }
  try {
    return checkDepth(JSON.parse(text), 0);
  } catch (error) {
    throw badRequest(
      `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : ""}`,
      error,
    );
  }
}

/** The object in the body, checked to be what the path asks for. */
export async function decodeObject(context: Context): Promise<KubeObject> {
  return toObject(await decodeBody(context), context.resource, context);
}

export function toObject(value: unknown, resource: Resource, context: Context): KubeObject {
  if (!isJsonObject(value)) throw badRequest("the body must be an object");
  const expected = { apiVersion: toApiVersion(resource.group, resource.version), kind: resource.kind };
  const apiVersion = stringAt(value, "apiVersion") || expected.apiVersion;
  const kind = stringAt(value, "kind") || expected.kind;
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) {
    throw otherKind({ apiVersion, kind, name: stringAt(objectAt(value, "metadata"), "name") }, resource, context);
  }
  if (!resource.custom && resource.schema !== undefined) {
    const problem = decodeLikeGo(value, resource.schema);
    if (problem !== undefined) throw unfit(resource, problem);
  }
  const { metadata: _metadata, ...rest } = value;
  const metadata = toMetadata(value, context);
  if (!resource.custom) checkBase64(resource, rest);
  return { ...rest, ...expected, metadata };
}

function otherKind(
  sent: { apiVersion: string; kind: string; name: string },
  resource: Resource,
  context: Context,
): StatusError {
  const { apiVersion, kind } = sent;
  const expected = toApiVersion(resource.group, resource.version);
  if (resource.custom && apiVersion !== expected) {
    return badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (resource.custom) {
    const message = `Invalid value: ${JSON.stringify(kind)}: must be ${resource.kind}`;
    return invalid({ ...resource, kind }, sent.name, [{ reason: "FieldValueInvalid", message, field: "kind" }]);
  }
  const { group, version } = parseApiVersion(apiVersion);
  const isKnown = context.server.registry.findKind(group, version, kind) !== undefined;
  const why = isKnown
    ? `converting (${version}.${kind}) to (${(resource.group || "core").split(".")[0] ?? ""}.${resource.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`;
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.kind}: ${why}`);
}

function toMetadata(value: JsonObject, context: Context): ObjectMeta {
  if (value["metadata"] !== undefined && value["metadata"] !== null && !isJsonObject(value["metadata"])) {
    throw badRequest("metadata must be an object");
  }
  const metadata = { ...objectAt(value, "metadata") };
  checkTypes(metadata);
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

const STRING_FIELDS = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
];

function checkTypes(metadata: JsonObject): void {
  for (const [key, value] of Object.entries(metadata)) if (value === null) delete metadata[key];
  for (const field of STRING_FIELDS) {
    const value = metadata[field];
    if (value !== undefined && typeof value !== "string") throw undecodable(`metadata.${field}`, "string", value);
  }
  for (const field of ["labels", "annotations"]) {
    const map = metadata[field];
    if (map === undefined) continue;
    if (!isJsonObject(map)) throw undecodable(`metadata.${field}`, "map[string]string", map);
    if (Object.keys(map).length === 0) delete metadata[field];
    for (const [key, value] of Object.entries(map)) {
      if (value === null) map[key] = "";
      else if (typeof value !== "string") throw undecodable(`metadata.${field}.${key}`, "string", value);
    }
  }
  const finalizers = metadata["finalizers"];
  if (
    finalizers !== undefined &&
    !(Array.isArray(finalizers) && finalizers.every((item) => typeof item === "string"))
  ) {
    throw undecodable("metadata.finalizers", "[]string", finalizers);
  }
  const owners = metadata["ownerReferences"];
  if (owners !== undefined && !(Array.isArray(owners) && owners.every(isJsonObject))) {
    throw undecodable("metadata.ownerReferences", "[]OwnerReference", owners);
  }
}

const BASE64_FIELDS: Record<string, string> = { ConfigMap: "binaryData", Secret: "data" };

function checkBase64(resource: Resource, fields: JsonObject): void {
  const field = BASE64_FIELDS[resource.kind];
  if (field === undefined) return;
  for (const value of Object.values(objectAt(fields, field))) {
    if (typeof value === "string" && !isBase64(value)) throw unfit(resource, "illegal base64 data");
  }
}

function unfit({ kind, version }: Resource, why: string): StatusError {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

function undecodable(path: string, type: string, value: unknown): StatusError {
  return badRequest(`json: cannot unmarshal ${typeOf(value)} into Go struct field ObjectMeta.${path} of type ${type}`);
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
