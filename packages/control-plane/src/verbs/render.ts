/** One object as the client asked to see it. */
import { negotiate } from "../http/negotiate.ts";
import { respondJson, respondText } from "../http/respond.ts";
import type { KubeObject } from "../object.ts";
import { badRequest } from "../status-error.ts";
import { textOfPut } from "../storage/transaction.ts";
import { columnDefinitions, toPartialMetadata, toRow, toTable } from "../table/table.ts";
import type { IncludeObject } from "../table/table.ts";
import type { Context } from "./context.ts";

export async function renderObject(context: Context, object: KubeObject, code = 200): Promise<Response> {
  const representation = negotiate(context.headers.get("accept"));
  const options = { code };
  switch (representation.as) {
    case "Table": {
      const { resource, server } = context;
      const row = toRow(object, { resource, now: server.clock.now(), include: includeObject(context.query) });
      const metadata = { resourceVersion: object.metadata.resourceVersion };
      return respondJson(toTable(columnDefinitions(resource), { metadata, rows: [row] }), options);
    }
    case "PartialObjectMetadata":
      return respondJson(toPartialMetadata(object, `meta.k8s.io/${representation.version}`), options);
    case "":
    case "PartialObjectMetadataList":
    case "APIGroupDiscoveryList":
      return representation.format === "yaml"
        ? renderYaml(object, options)
        : respondText(textOfPut(object) ?? JSON.stringify(object), options);
  }
}

async function renderYaml(body: unknown, options: { code?: number }): Promise<Response> {
  const { stringify } = await import("yaml");
  const response = respondText(stringify(body), options);
  response.headers.set("content-type", "application/yaml");
  return response;
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const include = query.get("includeObject") ?? "Metadata";
  if (include === "None" || include === "Metadata" || include === "Object") return include;
  throw badRequest(`Invalid value for includeObject: ${JSON.stringify(include)}`);
}
