/** Objects and lists as the client asked to see them. */
import { negotiate } from "../http/negotiate.ts";
import { respondJson, respondText } from "../http/respond.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { textOfPut } from "../storage/transaction.ts";
import { columnDefinitions, toPartialMetadata, toRow, toTable } from "../table/table.ts";
import type { IncludeObject } from "../table/table.ts";
import type { Context } from "./context.ts";

export async function renderObject(context: Context, object: KubeObject, code = 200): Promise<Response> {
  const { as, version, format } = negotiate(context.headers.get("accept"));
  const apiVersion = `meta.k8s.io/${version}`;
  const options = { code };
  switch (as) {
    case "Table": {
      const { resource, server } = context;
      const row = toRow(object, {
        resource,
        now: server.clock.now(),
        include: includeObject(context.query),
        apiVersion,
      });
      const metadata = { resourceVersion: object.metadata.resourceVersion };
      return respondJson(toTable(columnDefinitions(resource), { metadata, rows: [row], apiVersion }), options);
    }
    case "PartialObjectMetadata":
      return respondJson(toPartialMetadata(object, apiVersion), options);
    case "PartialObjectMetadataList":
      throw notAcceptable(
        `you requested ${as}, but the requested object is not a list (${goTypeOf(context.resource)})`,
      );
    case "":
    case "APIGroupDiscoveryList":
      return format === "yaml"
        ? renderYaml(object, options)
        : respondText(textOfPut(object) ?? JSON.stringify(object), options);
  }
}

/** A list as the client asked to see it; `undefined` when that is as it is. Takes one object at a time. */
export function renderList(
  context: Context,
  { metadata, objects }: { metadata: JsonObject; objects: Iterable<KubeObject> },
): Response | undefined {
  const { as, version } = negotiate(context.headers.get("accept"));
  const apiVersion = `meta.k8s.io/${version}`;
  const { resource, server } = context;
  switch (as) {
    case "Table": {
      const options = { resource, now: server.clock.now(), include: includeObject(context.query), apiVersion };
      const rows = Array.from(objects, (object) => toRow(object, options));
      return respondJson(toTable(columnDefinitions(resource), { metadata, rows, apiVersion }));
    }
    case "PartialObjectMetadataList": {
      const items = Array.from(objects, (object) => toPartialMetadata(object, apiVersion));
      return respondJson({ kind: as, apiVersion, metadata, items });
    }
    case "PartialObjectMetadata":
      throw notAcceptable(`you requested ${as}, but the requested object is a list (${goTypeOf(resource)}List)`);
    case "":
    case "APIGroupDiscoveryList":
      return undefined;
  }
}

function notAcceptable(message: string): StatusError {
  return new StatusError("NotAcceptable", message);
}

/** The server's own name of the kind's type. */
function goTypeOf({ custom, group, kind }: Resource): string {
  return custom ? "*unstructured.Unstructured" : `*${group.split(".")[0] || "core"}.${kind}`;
}

async function renderYaml(body: unknown, options: { code?: number }): Promise<Response> {
  const { stringify } = await import("yaml");
  const response = respondText(stringify(body), options);
  response.headers.set("content-type", "application/yaml");
  return response;
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const include = query.get("includeObject") || "Metadata";
  if (include === "None" || include === "Metadata" || include === "Object") return include;
  const rule = "must be 'Metadata', 'Object', 'None', or empty";
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: ${rule}`,
  );
}
