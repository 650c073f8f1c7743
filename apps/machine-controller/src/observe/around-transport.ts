/** A transport to the API server whose every request runs inside something else. */
import type { Transport } from "@machine-controller/kube-client";
import type { Around } from "./work.ts";

export const aroundTransport =
  (around: Around) =>
  (transport: Transport): Transport =>
  (request) => {
    const { method, url } = request;
    const work = { kind: "api-request", ...describeRequest(method, url), method, host: new URL(url).host } as const;
    return around(work, () => transport(request));
  };

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Verb and resource as RBAC has them, such as `list` and `machines.cluster.k8s.io`; paths that are none are `other`. */
export function describeRequest(method: string, url: string): { verb: string; resource: string } {
  const { pathname, searchParams } = new URL(url);
  const parts = pathname.split("/").filter(Boolean);
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return { verb: method.toLowerCase(), resource: "other" };
  const group = isCore ? "" : (parts[1] ?? "");
  let rest = parts.slice(isCore ? 2 : 3);
  if (rest[0] === "namespaces" && rest.length > 2) rest = rest.slice(2);
  const [plural, name, subresource] = rest;
  if (plural === undefined) return { verb: method.toLowerCase(), resource: "other" };
  const resource = [plural + (subresource ? `/${subresource}` : ""), group].filter(Boolean).join(".");
  const reading = name === undefined ? (searchParams.get("watch") === "true" ? "watch" : "list") : "get";
  return { verb: VERBS[method] ?? reading, resource };
}
