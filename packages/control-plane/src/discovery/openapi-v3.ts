/** The OpenAPI v3 document of one group version, as far as kubectl reads it: schemas by kind, and patch parameters. */
import { isJsonObject, objectAt, toApiVersion } from "../object.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { builtInDefinitions } from "../schema/built-in-schemas.ts";
import { longName, schemaName, shortName } from "../schema/schema-names.ts";

const META = "meta/v1.ObjectMeta";

export function openApiV3(resources: readonly Resource[]): JsonObject {
  const builtIn = resources.filter(({ custom }) => !custom).map((resource) => shortName(schemaName(resource)));
  const schemas: JsonObject = builtInDefinitions([META, ...builtIn]);
  const paths: JsonObject = {};
  for (const resource of resources) {
    const name = schemaName(resource);
    schemas[name] = resource.custom
      ? kindSchema(resource)
      : { ...objectAt(schemas, name), ...groupVersionKind(resource) };
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

function kindSchema(resource: Resource): JsonObject {
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
        allOf: [{ $ref: `#/components/schemas/${longName(META)}` }],
      },
    },
    ...groupVersionKind(resource),
  };
}

function groupVersionKind({ group, version, kind }: Resource): JsonObject {
  return { "x-kubernetes-group-version-kind": [{ group, version, kind }] };
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
