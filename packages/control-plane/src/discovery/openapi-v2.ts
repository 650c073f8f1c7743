/** OpenAPI v2 (Swagger): the v3 documents of all group versions as one, for clients that know no v3. */
import { isJsonObject, objectAt } from "../object.ts";
import type { JsonObject } from "../object.ts";

export function openApiV2(documents: readonly JsonObject[]): JsonObject {
  const definitions: JsonObject = {};
  const paths: JsonObject = {};
  for (const document of documents) {
    Object.assign(definitions, objectAt(objectAt(document, "components"), "schemas"));
    for (const [path, operations] of Object.entries(objectAt(document, "paths"))) {
      paths[path] = Object.fromEntries(
        Object.entries(isJsonObject(operations) ? operations : {}).map(([method, operation]) => [
          method,
          toOperation(operation as JsonObject),
        ]),
      );
    }
  }
  const text = JSON.stringify({ paths, definitions }).replaceAll("#/components/schemas/", "#/definitions/");
  return { swagger: "2.0", ...(JSON.parse(text) as JsonObject) };
}

function toOperation(operation: JsonObject): JsonObject {
  const { parameters, requestBody, responses, ...rest } = operation;
  const content = objectAt(requestBody, "content");
  const [body] = Object.values(content);
  const inQuery = (Array.isArray(parameters) ? parameters : [])
    .filter(isJsonObject)
    .map(({ schema, ...parameter }) => ({ ...parameter, ...(isJsonObject(schema) ? schema : {}) }));
  return {
    ...rest,
    ...(body === undefined ? {} : { consumes: Object.keys(content) }),
    produces: ["application/json"],
    parameters: [
      ...(body === undefined ? [] : [{ name: "body", in: "body", required: true, schema: objectAt(body, "schema") }]),
      ...inQuery,
    ],
    responses: Object.fromEntries(
      Object.entries(isJsonObject(responses) ? responses : {}).map(([code, response]) => [code, toResponse(response)]),
    ),
  };
}

function toResponse(response: unknown): JsonObject {
  const [body] = Object.values(objectAt(response, "content"));
  const { content: _content, ...rest } = isJsonObject(response) ? response : {};
  return body === undefined ? rest : { ...rest, schema: objectAt(body, "schema") };
}
