/** Which of the server's representations a client accepts. */
import { StatusError } from "../status-error.ts";

export type Representation = {
  as: "" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
  /** Version of the representation, such as `v1`. */
  version: string;
  format: "json" | "yaml";
};

const PLAIN: Representation = { as: "", version: "", format: "json" };
/** Group and versions of each. */
const REPRESENTATIONS: Record<string, { group: string; versions: readonly string[] }> = {
  Table: { group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  PartialObjectMetadata: { group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  PartialObjectMetadataList: { group: "meta.k8s.io", versions: ["v1", "v1beta1"] },
  APIGroupDiscoveryList: { group: "apidiscovery.k8s.io", versions: ["v2"] },
};

/** Takes the first media type it can serve; throws NotAcceptable when there is none. */
export function negotiate(accept: string | null): Representation {
  if (accept === null || accept.trim() === "") return PLAIN;
  let isKnownType = false;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const values = new Map(parameters.map((parameter) => parameter.split("=") as [string, string]));
    const as = values.get("as") ?? "";
    const format = type === "application/yaml" ? "yaml" : "json";
    if (!["application/json", "application/yaml", "application/*", "*/*"].includes(type)) continue;
    if (as === "") return { ...PLAIN, format };
    isKnownType = true;
    const version = values.get("v") ?? "";
    const known = Object.hasOwn(REPRESENTATIONS, as) ? REPRESENTATIONS[as] : undefined;
    if (known?.group === values.get("g") && known?.versions.includes(version) === true) {
      return { as: as as Representation["as"], version, format };
    }
  }
  if (isKnownType) {
    const types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    throw new StatusError("NotAcceptable", `only the following media types are accepted: ${types}`);
  }
  throw new StatusError(
    "NotAcceptable",
    "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/json;stream=watch",
  );
}
