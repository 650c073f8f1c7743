import type { Metrics } from "../http/metrics.ts";
import type { ServedRequest } from "../http/served-request.ts";
import type { Server } from "../server.ts";
import type { ServiceAccountTokens } from "../security/service-account-tokens.ts";

/** A request for a path that is not a resource. */
export type DiscoveryRequest = {
  server: Server;
  request: ServedRequest;
  url: URL;
  tokens: ServiceAccountTokens;
  metrics: Metrics;
};

/** The server says no more of what it does not know. */
export function unknownPath(): Response {
  return new Response("404 page not found\n", {
    status: 404,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-cache, private",
      "x-content-type-options": "nosniff",
    },
  });
}
