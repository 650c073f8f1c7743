/** The way of a request: who asks, what for, may they, then the verb. Every failure becomes a Status. */
import { serveDiscovery } from "../discovery/discovery.ts";
import type { Connection } from "../security/authenticate.ts";
import { impersonate } from "../security/impersonate.ts";
import type { Guards } from "../security/guards.ts";
import type { Server } from "../server.ts";
import { StatusError } from "../status-error.ts";
import type { Context } from "../verbs/context.ts";
import { selectedName } from "../selectors/field-selector.ts";
import { readBody } from "./body.ts";
import { isTrue, parseResourcePath, verbOf } from "./request-info.ts";
import type { ResourceRequest } from "./request-info.ts";
import { respondError } from "./respond.ts";
import { dispatch } from "./dispatch.ts";

export type HandlerOptions = Guards & { server: Server };

export function createHandler(options: HandlerOptions) {
  const { server } = options;
  return async (request: Request, connection: Connection = {}): Promise<Response> => {
    try {
      if (server.closing.aborted) throw new StatusError("ServiceUnavailable", "the server is shutting down");
      return await serve(options, request, connection);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        server.log({
          level: "error",
          message: "request failed",
          method: request.method,
          path: pathOf(request),
          error: String(error),
          stack: error instanceof Error ? error.stack : undefined,
        });
      }
      return respondError(error);
    }
  };
}

async function serve(options: HandlerOptions, request: Request, connection: Connection): Promise<Response> {
  const { server, authenticator, authorizer } = options;
  const url = new URL(request.url);
  const caller = await authenticator.authenticate(request.headers, connection);
  const user = impersonate(caller, request.headers, authorizer);
  const resourceRequest = toResourceRequest(url, request.method);
  if (resourceRequest === undefined) {
    authorizer.check(user, { verb: request.method.toLowerCase(), path: url.pathname });
    return serveDiscovery({ server, request, url, tokens: options.tokens });
  }
  const { group, version, plural } = resourceRequest;
  authorizer.check(user, resourceRequest);
  const resource = server.registry.find(group, version, plural);
  // A Namespace's own path names it as the namespace too.
  const isMisplaced = resource?.namespaced === false && resourceRequest.namespace !== "" && plural !== "namespaces";
  if (resource === undefined && !server.registry.all().some((other) => !other.custom && other.group === group)) {
    return notServed();
  }
  if (resource === undefined || isMisplaced)
    throw new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
  if (resource.namespaced && resourceRequest.namespace === "" && needsNamespace(resourceRequest.verb)) {
    throw new StatusError("BadRequest", "an empty namespace may not be set during creation");
  }
  let body: Promise<Uint8Array> | undefined;
  const context: Context = {
    server,
    resource,
    ...pick(resourceRequest),
    // A Namespace's own path names it as the namespace too; authorization wants that, keys do not.
    namespace: resource.namespaced ? resourceRequest.namespace : "",
    query: url.searchParams,
    headers: request.headers,
    user,
    signal: request.signal,
    body: () => (body ??= readBody(request)),
    warnings: [],
  };
  return dispatch(context, options);
}

function toResourceRequest(url: URL, method: string): ResourceRequest | undefined {
  let parsed: ReturnType<typeof parseResourcePath>;
  try {
    parsed = parseResourcePath(url.pathname.replace(/\/+$/, ""));
  } catch (error) {
    throw new StatusError("BadRequest", "the path is not a valid URL path", { cause: error });
  }
  if (parsed === undefined) return undefined;
  const isWatch = parsed.isOldWatch || isTrue(url.searchParams.get("watch"));
  const verb = verbOf(method, { name: parsed.name, isWatch });
  const fromSelector =
    verb === "list" || verb === "watch" ? selectedName(url.searchParams.get("fieldSelector") ?? "") : undefined;
  return { ...parsed, verb, name: parsed.name === "" ? (fromSelector ?? "") : parsed.name };
}

function needsNamespace(verb: string): boolean {
  return verb !== "list" && verb !== "watch" && verb !== "deletecollection";
}

function pick({
  verb,
  namespace,
  name,
  subresource,
}: ResourceRequest): Pick<Context, "verb" | "namespace" | "name" | "subresource"> {
  return { verb, namespace, name, subresource };
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}

/** Of groups that are not its own the server says no more than any other would of an unknown path. */
function notServed(): Response {
  return new Response("404 page not found\n", {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
