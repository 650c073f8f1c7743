/** Paths that are not resources: versions, groups, OpenAPI documents, health. */
import { negotiate } from "../http/negotiate.ts";
import { respondJson, respondText } from "../http/respond.ts";
import { ISSUER } from "../security/service-account-tokens.ts";
import { aggregatedDiscovery } from "./aggregated.ts";
import type { DiscoveryRequest } from "./discovery-request.ts";
import { unknownPath } from "./discovery-request.ts";
import { groupList, groupOf, resourceList } from "./groups.ts";
import { serveHealth } from "./health.ts";
import { serveOpenApi } from "./openapi.ts";
import { VERSION } from "./version.ts";

const ROOT_PATHS = [
  "/api",
  "/api/v1",
  "/apis",
  "/healthz",
  "/livez",
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/readyz",
  "/version",
];

export async function serveDiscovery(asked: DiscoveryRequest): Promise<Response> {
  const { server, request, url } = asked;
  if (request.method !== "GET" && request.method !== "HEAD") return unknownPath();
  const path = url.pathname.replace(/\/+$/, "");
  const health = serveHealth(server, url);
  if (health !== undefined) return health;
  if (path === "/metrics") {
    return new Response(await asked.metrics.text(), { headers: { "content-type": asked.metrics.contentType } });
  }
  if (path.startsWith("/openapi")) return serveOpenApi(asked, path);
  const representation = negotiate(request.headers.get("accept") ?? null);
  if (path === "/openid/v1/jwks") return respondJson(asked.tokens.keySet());
  if (path === "/.well-known/openid-configuration") {
    return respondJson({
      issuer: ISSUER,
      jwks_uri: `${url.origin}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
  }
  if (path === "/version") return respondText(JSON.stringify(VERSION, undefined, 2));
  if (path === "") return respondJson({ paths: ROOT_PATHS });
  if (path === "/api" || path === "/apis") {
    if (representation.as === "APIGroupDiscoveryList" && representation.version === "v2") {
      const response = respondJson(aggregatedDiscovery(server.registry, path === "/api"));
      response.headers.set("content-type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
      response.headers.set("vary", "Accept");
      return response;
    }
    return respondJson(
      path === "/apis"
        ? groupList(server.registry)
        : { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
    );
  }
  const [root, api, group, version] = path.split("/");
  if (root === "" && api === "api" && group === "v1" && version === undefined)
    return respondJson(resourceList(server.registry, "", "v1"));
  if (root === "" && api === "apis" && group !== undefined) {
    const found =
      version === undefined ? groupOf(server.registry, group) : resourceList(server.registry, group, version);
    if (found !== undefined) return respondJson(found);
  }
  return unknownPath();
}
