/** The namespaces every cluster has from the start. */
import type { Manifest } from "./object.ts";

const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

export function bootstrapNamespaces(): Manifest[] {
  return NAMESPACES.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
}
