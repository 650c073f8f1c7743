import type { Metrics } from "../http/metrics.ts";
import type { ServedRequest } from "../http/served-request.ts";
import type { Server } from "../server.ts";
import type { ServiceAccountTokens } from "../security/service-account-tokens.ts";
import { StatusError } from "../status-error.ts";

/** A request for a path that is not a resource. */
export type DiscoveryRequest = {
  server: Server;
  request: ServedRequest;
  url: URL;
  tokens: ServiceAccountTokens;
  metrics: Metrics;
};

export function unknownPath(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}
