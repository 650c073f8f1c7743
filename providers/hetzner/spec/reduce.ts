/**
 * Reduces the vendor's OpenAPI document to the facts beside this file. By hand, after a new version of the document:
 * `node providers/hetzner/spec/reduce.ts path/to/hetzner-cloud.openapi.json`
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { ApiFacts, RouteFacts, SchemaFacts } from "./facts.ts";

const RESOURCES =
  /^\/(actions|datacenters|firewalls|images|locations|networks|placement_groups|server_types|servers|ssh_keys)(\/|$)/;
const METHODS = ["get", "post", "put", "delete"] as const;

type Schema = {
  $ref?: string;
  allOf?: Schema[];
  description?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  nullable?: boolean;
  pattern?: string;
  maxLength?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
};
type Content = { content?: { "application/json"?: { schema?: Schema } } };
type Operation = {
  parameters?: { name: string; in: "path" | "query"; required?: boolean; schema: Schema }[];
  requestBody?: Content & { required?: boolean };
  responses: Record<string, Content>;
};
type Document = {
  info: { version: string };
  servers: { url: string }[];
  paths: Record<string, Partial<Record<(typeof METHODS)[number], Operation>>>;
  components: { schemas: Record<string, Schema> };
};

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("usage: node providers/hetzner/spec/reduce.ts <vendor document>");
const document = JSON.parse(readFileSync(source, "utf8")) as Document;
const target = new URL("hetzner-cloud.facts.json", import.meta.url);
writeFileSync(target, format(reduce(document)));

function reduce({ info, servers, paths, components }: Document): ApiFacts {
  const wanted = new Set<string>();
  const routes: Record<string, RouteFacts> = {};
  for (const [path, operations] of Object.entries(paths)) {
    if (!RESOURCES.test(path)) continue;
    for (const method of METHODS) {
      const operation = operations[method];
      if (operation !== undefined) routes[`${method.toUpperCase()} ${path}`] = reduceRoute(operation, wanted);
    }
  }
  const schemas: Record<string, SchemaFacts> = {};
  // The set grows while it is walked: each schema may name others.
  for (const name of wanted) schemas[name] = reduceSchema(components.schemas[name] ?? {}, wanted);
  const basePath = new URL(servers[0]?.url ?? "").pathname;
  return { version: info.version, basePath, routes, schemas };
}

function reduceRoute({ parameters = [], requestBody, responses }: Operation, wanted: Set<string>): RouteFacts {
  const named = (place: "path" | "query"): Record<string, SchemaFacts> =>
    Object.fromEntries(
      parameters
        .filter((parameter) => parameter.in === place)
        .map(({ name, schema }) => [name, reduceSchema(schema, wanted)]),
    );
  const required = parameters.filter((parameter) => parameter.in === "query" && parameter.required === true);
  const bodyOf = ({ content }: Content): SchemaFacts | null => {
    const schema = content?.["application/json"]?.schema;
    return schema === undefined ? null : reduceSchema(schema, wanted);
  };
  const body = requestBody && bodyOf(requestBody);
  return {
    path: named("path"),
    query: named("query"),
    ...(required.length > 0 && { requiredQuery: required.map(({ name }) => name) }),
    ...(body && { body }),
    ...(requestBody?.required === true && { isBodyRequired: true as const }),
    responses: Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, bodyOf(response)])),
  };
}

function reduceSchema(schema: Schema, wanted: Set<string>): SchemaFacts {
  const {
    type,
    format,
    enum: values,
    nullable,
    pattern,
    maxLength,
    properties,
    required,
    items,
    additionalProperties,
  } = schema;
  if ((schema.allOf?.length ?? 0) > 1) throw new Error("allOf with several parts is not reduced yet");
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference !== undefined) {
    const ref = reference.split("/").at(-1) ?? "";
    wanted.add(ref);
    return { ref, ...(nullable === true && { nullable }) };
  }
  // The document types the items as strings, while its words allow integers too.
  const alsoIntegers = /IDs \(`integer`\) or names/.test(schema.description ?? "");
  return {
    ...(type !== undefined && { type }),
    ...(format !== undefined && { format }),
    ...(values !== undefined && { enum: values }),
    ...(nullable === true && { nullable }),
    ...(pattern !== undefined && { pattern }),
    ...(maxLength !== undefined && { maxLength }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [name, reduceSchema(value, wanted)]),
      ),
    }),
    ...(required !== undefined && { required }),
    ...(items !== undefined && { items: alsoIntegers ? { type: ["string", "integer"] } : reduceSchema(items, wanted) }),
    ...(typeof additionalProperties === "object" && {
      additionalProperties: reduceSchema(additionalProperties, wanted),
    }),
  };
}

/** One route or schema a line: small, and a new version of the document still gives a readable difference. */
function format({ version, basePath, routes, schemas }: ApiFacts): string {
  const lines = (entries: object): string =>
    Object.entries(entries)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(",\n");
  return [
    "{",
    `  "version": ${JSON.stringify(version)},`,
    `  "basePath": ${JSON.stringify(basePath)},`,
    `  "routes": {\n${lines(routes)}\n  },`,
    `  "schemas": {\n${lines(schemas)}\n  }`,
    "}",
    "",
  ].join("\n");
}
