import { fromStored, isServedAsKept } from "../registry/conversion.ts";
import { negotiate } from "../http/negotiate.ts";
import { respondText } from "../http/respond.ts";
import { notFound } from "../status-error.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { renderObject } from "./render.ts";
import { checkNotAhead } from "./resource-version.ts";

export async function getObject(context: Context): Promise<Response> {
  const { resource, server, name } = context;
  checkNotAhead(context.query.get("resourceVersion"), server.storage.revision);
  const stored = server.storage.get(keyOf(context));
  if (stored === undefined) throw notFound(resource, name);
  const { as, format } = negotiate(context.headers.get("accept"));
  if (as === "" && format === "json" && isServedAsKept(stored, resource)) return respondText(stored.json);
  return renderObject(context, fromStored(stored, resource));
}
