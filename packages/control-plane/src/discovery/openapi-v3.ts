/** The OpenAPI v3 document of one group version, as far as kubectl reads it: schemas by kind, and patch parameters. */
import { isJsonObject, toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

export function openApiV3(resources: readonly Resource[]): JsonObject {
  const schemas: JsonObject = { [META]: OBJECT_META };
  const paths: JsonObject = {};
  for (const resource of resources) {
    const name = schemaName(resource);
    schemas[name] = kindSchema(resource);
    schemas[`${name}List`] = listSchema(resource, name);
    Object.assign(paths, pathsOf(resource, name));
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.36.0" },
    paths,
    components: { schemas },
  };
}

function schemaName({ group, version, kind, custom }: Resource): string {
  if (custom) return `${group.split(".").toReversed().join(".")}.${version}.${kind}`;
  const short = group === "" ? "core" : (group.split(".")[0] ?? "");
  return `io.k8s.api.${short}.${version}.${kind}`;
}

function kindSchema(resource: Resource): JsonObject {
  const { group, version, kind } = resource;
  const own = resource.schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    ...own,
    type: "object",
    properties: {
      ...(isJsonObject(own["properties"]) ? own["properties"] : {}),
      apiVersion: { type: "string", description: "The version of the schema this object has." },
      kind: { type: "string", description: "The kind of this object." },
      metadata: {
        description: "Standard object's metadata.",
        default: {},
        allOf: [{ $ref: `#/components/schemas/${META}` }],
      },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
  };
}

function listSchema(resource: Resource, name: string): JsonObject {
  const { group, version, listKind } = resource;
  return {
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      items: { type: "array", items: { allOf: [{ $ref: `#/components/schemas/${name}` }] } },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: listKind }],
  };
}

function pathsOf(resource: Resource, name: string): JsonObject {
  const { group, version, kind, plural, namespaced } = resource;
  const root = group === "" ? `/api/${version}` : `/apis/${toApiVersion(group, version)}`;
  const collection = `${root}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}`;
  const gvk = { "x-kubernetes-group-version-kind": { group, version, kind } };
  const body = (types: string[]): JsonObject => ({
    content: Object.fromEntries(types.map((type) => [type, { schema: { $ref: `#/components/schemas/${name}` } }])),
  });
  const responses = { "200": { description: "OK", ...body(["application/json"]) } };
  const write = (action: string, types: string[]): JsonObject => ({
    ...gvk,
    "x-kubernetes-action": action,
    parameters: WRITE_PARAMETERS,
    requestBody: body(types),
    responses,
  });
  const read = (action: string): JsonObject => ({ ...gvk, "x-kubernetes-action": action, responses });
  if (resource.review === true) return { [collection]: { post: write("post", ["application/json"]) } };
  return {
    [collection]: { get: read("list"), post: write("post", ["application/json"]), delete: read("deletecollection") },
    [`${collection}/{name}`]: {
      get: read("get"),
      put: write("put", ["application/json"]),
      patch: write("patch", [
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
      ]),
      delete: read("delete"),
    },
  };
}

const WRITE_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
  name,
  in: "query",
  schema: { type: "string", uniqueItems: true },
}));

const STRING = { type: "string" };
const STRING_MAP = { type: "object", additionalProperties: { type: "string", default: "" } };

const OBJECT_META: JsonObject = {
  type: "object",
  description: "ObjectMeta is metadata that all persisted resources must have.",
  properties: {
    annotations: { ...STRING_MAP, description: "Free-form data that tools keep on the object." },
    creationTimestamp: { ...STRING, format: "date-time", description: "When the server made this object." },
    deletionGracePeriodSeconds: { type: "integer", format: "int64" },
    deletionTimestamp: { ...STRING, format: "date-time", description: "When deletion was asked for." },
    finalizers: {
      type: "array",
      items: STRING,
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
    },
    generateName: { ...STRING, description: "Prefix of a name the server makes unique." },
    generation: { type: "integer", format: "int64", description: "Rises with each change of the desired state." },
    labels: { ...STRING_MAP, description: "Keys and values by which objects are selected." },
    managedFields: { type: "array", items: { type: "object" } },
    name: { ...STRING, description: "Unique within a namespace." },
    namespace: { ...STRING, description: "The space within which the name is unique." },
    ownerReferences: { type: "array", items: { type: "object" }, description: "Objects this one depends on." },
    resourceVersion: { ...STRING, description: "Opaque version for optimistic concurrency and watches." },
    selfLink: STRING,
    uid: { ...STRING, description: "Unique in time and space." },
  },
};
