/** The names schemas bear in OpenAPI documents, and the short form the generated facts use. */
import { parseApiVersion } from "../object.ts";

const CORE_KINDS = "io.k8s.api.";
const META_KINDS = "io.k8s.apimachinery.pkg.apis.";
const EXTENSION_KINDS = "io.k8s.apiextensions-apiserver.pkg.apis.";

/** `io.k8s.api.core.v1.Pod`; of a custom kind the group backwards. */
export function schemaName(resource: { group: string; version: string; kind: string; custom: boolean }): string {
  const { group, version, kind, custom } = resource;
  if (custom) return `${group.split(".").toReversed().join(".")}.${version}.${kind}`;
  return longName(`${group === "" ? "core" : (group.split(".")[0] ?? "")}/${version}.${kind}`);
}

/** `io.k8s.api.core.v1.Pod` → `core/v1.Pod`; a name of another form stays as it is. */
export function shortName(name: string): string {
  const root = [CORE_KINDS, META_KINDS, EXTENSION_KINDS].find((prefix) => name.startsWith(prefix));
  return root === undefined ? name : name.slice(root.length).replace(".", "/");
}

/** The inverse of `shortName`. */
export function longName(name: string): string {
  const { group, version } = parseApiVersion(name);
  if (group === "") return name;
  const root = group === "meta" ? META_KINDS : group === "apiextensions" ? EXTENSION_KINDS : CORE_KINDS;
  return `${root}${group}.${version}`;
}
