/** What a path and method ask for: a verb on a resource, or a path of its own. */

export type ResourceRequest = {
  verb: string;
  group: string;
  version: string;
  plural: string;
  namespace: string;
  name: string;
  subresource: string;
};

/** `undefined`: not the path of a resource (discovery, health, …). */
export function parseResourcePath(path: string): (Omit<ResourceRequest, "verb"> & { isOldWatch: boolean }) | undefined {
  const parts = path.split("/").slice(1).map(decodeURIComponent);
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return undefined;
  const rest = parts.slice(core ? 1 : 2);
  const [version = "", ...below] = rest;
  // Before `?watch=1` there was `/watch/` in front of the resource; clients still know it.
  const isOldWatch = below[0] === "watch" && below.length > 1;
  const segments = isOldWatch ? below.slice(1) : below;
  const group = core ? "" : (parts[1] ?? "");
  if (version === "" || segments.length === 0 || segments[0] === "") return undefined;
  const at = (plural = "", name = "", subresource = "") => ({ group, version, plural, name, subresource, isOldWatch });
  if (segments[0] !== "namespaces" || segments.length < 2) return { ...at(...segments), namespace: "" };
  const [, namespace = "", plural, name, subresource] = segments;
  if (plural === undefined || (core && NAMESPACE_SUBRESOURCES.includes(plural) && name === undefined)) {
    return { ...at("namespaces", namespace, plural), namespace: core ? namespace : "" };
  }
  return { ...at(plural, name, subresource), namespace };
}

const NAMESPACE_SUBRESOURCES = ["status", "finalize"];

export function verbOf(method: string, request: { name: string; isWatch: boolean }): string {
  const one = request.name !== "";
  switch (method) {
    case "GET":
    case "HEAD":
      return request.isWatch ? "watch" : one ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return one ? "delete" : "deletecollection";
    default:
      return method.toLowerCase();
  }
}

export function isTrue(value: string | null): boolean {
  return value !== null && value !== "false" && value !== "0";
}
