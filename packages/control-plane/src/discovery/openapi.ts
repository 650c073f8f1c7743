/** OpenAPI v3 by group version, with the schemas of custom kinds; v2 as one document. */
import { createHash } from "node:crypto";
import { respondJson } from "../http/respond.ts";
import type { JsonObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { withDescriptions } from "./descriptions.ts";
import type { DiscoveryRequest } from "./discovery-request.ts";
import { unknownPath } from "./discovery-request.ts";
import { groupVersions } from "./groups.ts";
import { openApiV2 } from "./openapi-v2.ts";
import { openApiV3 } from "./openapi-v3.ts";

const INFO = { title: "Kubernetes", version: "v1.36.0" };
/** `swagger: "2.0"` in the protobuf form that kubectl insists on: a document that says nothing about any kind. */
const EMPTY_V2_PROTOBUF = new Uint8Array([0x0a, 0x03, 0x32, 0x2e, 0x30]);

export function serveOpenApi({ server, request }: DiscoveryRequest, path: string): Response {
  const { registry } = server;
  const inGroup = (group: string, version: string): Resource[] =>
    registry.all().filter((resource) => resource.group === group && resource.version === version);
  if (path === "/openapi/v2") {
    if ((request.headers.get("accept") ?? "").includes("protobuf")) {
      const headers = { "content-type": "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" };
      return new Response(EMPTY_V2_PROTOBUF, { headers });
    }
    return respondJson({ ...openApiV2([openApiV3(registry.all())]), info: INFO });
  }
  if (path === "/openapi/v3") {
    const paths: JsonObject = {};
    for (const [group, versions] of groupVersions(registry)) {
      for (const version of versions) {
        const root = group === "" ? `api/${version}` : `apis/${group}/${version}`;
        const hash = createHash("sha256")
          .update(JSON.stringify(openApiV3(inGroup(group, version))))
          .digest("hex");
        paths[root] = { serverRelativeURL: `/openapi/v3/${root}?hash=${hash.toUpperCase()}` };
      }
    }
    return respondJson({ paths });
  }
  const match = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
  const resources = match === null ? [] : inGroup(match[1] ?? "", match[2] ?? "");
  if (resources.length === 0) return unknownPath();
  return respondJson(withDescriptions(openApiV3(resources)));
}
