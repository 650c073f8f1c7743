/** The way of a request: who asks, what for, may they, then the verb. Every failure becomes a Status. */
import { serveDiscovery } from "../discovery/discovery.ts";
import { unknownPath } from "../discovery/discovery-request.ts";
import type { Connection } from "../security/authenticate.ts";
import { impersonate } from "../security/impersonate.ts";
import type { Guards } from "../security/guards.ts";
import type { Server } from "../server.ts";
import { StatusError } from "../status-error.ts";
import type { Context } from "../verbs/context.ts";
import { selectedName } from "../selectors/field-selector.ts";
import type { User } from "../security/user.ts";
import { readBody } from "./body.ts";
import { createDeadlines } from "./deadlines.ts";
import type { Deadlines } from "./deadlines.ts";
import { isTrue, parseResourcePath, verbOf } from "./request-info.ts";
import type { ResourceRequest } from "./request-info.ts";
import { dispatch, notAllowed } from "./dispatch.ts";
import { createInFlight, IN_FLIGHT_LIMITS, requestKind } from "./in-flight.ts";
import type { InFlight, InFlightLimits } from "./in-flight.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics, Observation } from "./metrics.ts";
import { addWarnings, respondError } from "./respond.ts";
import type { ServedRequest } from "./served-request.ts";

export type HandlerOptions = Guards & { server: Server; inFlightLimits?: InFlightLimits };

/** A request that is no watch gets an answer within this time, if only that it took too long. */
const REQUEST_TIMEOUT_MS = 60_000;

export function createHandler(options: HandlerOptions) {
  const { server } = options;
  const inFlight = createInFlight(options.inFlightLimits ?? IN_FLIGHT_LIMITS);
  const deadlines = createDeadlines(server.clock, server.closing);
  const metrics = createMetrics({ storage: server.storage, inFlight });
  const way: Way = { ...options, inFlight, deadlines, metrics };
  return async (request: ServedRequest, connection: Connection = {}): Promise<Response> => {
    const startedAt = server.clock.now();
    const seen: Observation = { verb: request.method, subresource: "", scope: "", isDryRun: false };
    const warnings: string[] = [];
    const response = await serve(way, { request, connection, seen, warnings }).catch((error: unknown) => {
      if (!(error instanceof StatusError)) logFailure(server, request, error);
      return respondError(error);
    });
    addWarnings(response.headers, warnings);
    metrics.observe(seen, { code: response.status, ms: server.clock.now() - startedAt });
    return response;
  };
}

type Way = HandlerOptions & { inFlight: InFlight; deadlines: Deadlines; metrics: Metrics };
type Call = { request: ServedRequest; connection: Connection; seen: Observation; warnings: string[] };

async function serve(way: Way, { request, connection, seen, warnings }: Call): Promise<Response> {
  const { server, authenticator, authorizer } = way;
  if (server.closing.aborted) throw new StatusError("ServiceUnavailable", "the server is shutting down");
  const url = parseUrl(request.url);
  const caller = await authenticator.authenticate(request.headers, connection);
  const user = impersonate(caller, request.headers, authorizer);
  const asked = toResourceRequest(url, request.method);
  const verb = asked?.verb ?? request.method.toLowerCase();
  if (asked !== undefined) authorizer.check(user, asked);
  else authorizer.check(user, { verb, path: url.pathname });
  const answer = async (signal: AbortSignal): Promise<Response> => {
    if (asked === undefined) return serveDiscovery({ server, request, url, tokens: way.tokens, metrics: way.metrics });
    if (!isServed(server, asked)) return unknownPath();
    if (request.method === "HEAD") throw notAllowed();
    return dispatch(toContext(server, { asked, url, user, request, signal, seen, warnings }), way);
  };
  if (verb === "watch") return answer(request.signal);
  const leave = way.inFlight.enter(requestKind(verb), user);
  try {
    return await within(way.deadlines, request.signal, answer);
  } finally {
    leave();
  }
}

/** Gives up waiting after the time a request may take; what it is about may still happen, as after any lost answer. */
async function within(
  deadlines: Deadlines,
  signal: AbortSignal,
  answer: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const end = new AbortController();
  const leave = (): void => end.abort(signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const done = deadlines.set(REQUEST_TIMEOUT_MS, () => {
    const tooLate = new StatusError("Timeout", "Timeout: request did not complete within the allotted timeout");
    reject(tooLate);
    end.abort(tooLate);
  });
  try {
    return await Promise.race([answer(end.signal), expired]);
  } finally {
    done();
    signal.removeEventListener("abort", leave);
  }
}

function toContext(
  server: Server,
  call: {
    asked: ResourceRequest;
    url: URL;
    user: User;
    request: ServedRequest;
    signal: AbortSignal;
    seen: Observation;
    warnings: string[];
  },
): Context {
  const { asked, url, user, request, signal, seen, warnings } = call;
  const { verb, group, version, plural, namespace, name, subresource } = asked;
  const resource = server.registry.find(group, version, plural);
  // A Namespace's own path names it as the namespace too.
  const isMisplaced = resource?.namespaced === false && namespace !== "" && plural !== "namespaces";
  if (resource === undefined || isMisplaced) {
    throw new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
  }
  if (resource.namespaced && namespace === "" && needsNamespace(verb)) {
    throw new StatusError("BadRequest", "an empty namespace may not be set during creation");
  }
  Object.assign(seen, {
    verb,
    resource,
    subresource: resource.subresources.includes(subresource) ? subresource : "",
    scope: name !== "" ? "resource" : namespace !== "" ? "namespace" : "cluster",
    isDryRun: url.searchParams.has("dryRun"),
  });
  if (resource.deprecationWarning !== undefined) warnings.push(resource.deprecationWarning);
  let body: Promise<Uint8Array> | undefined;
  return {
    server,
    resource,
    verb,
    name,
    subresource,
    // A Namespace's own path names it as the namespace too; authorization wants that, keys do not.
    namespace: resource.namespaced ? namespace : "",
    query: url.searchParams,
    headers: request.headers,
    user,
    signal,
    body: () => (body ??= readBody(request)),
    warnings,
  };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new StatusError("BadRequest", "the path is not a valid URL path");
  return url;
}

function logFailure(server: Server, { method, url }: ServedRequest, error: unknown): void {
  server.log({
    level: "error",
    message: "request failed",
    method,
    path: URL.parse(url)?.pathname,
    error: String(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
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

function isServed({ registry }: Server, { group, version, plural }: ResourceRequest): boolean {
  if (registry.find(group, version, plural) !== undefined) return true;
  return registry.all().some((resource) => !resource.custom && resource.group === group);
}
