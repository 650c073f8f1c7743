/** Which of the server's representations a client accepts. */
import { StatusError } from "../status-error.ts";

export type Representation = {
  as: "" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
  /** Version of the representation, such as `v1`. */
  version: string;
  format: "json" | "yaml";
};

const PLAIN: Representation = { as: "", version: "", format: "json" };
const REPRESENTATIONS = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList"];

/** Takes the first media type it can serve; throws NotAcceptable when there is none. */
export function negotiate(accept: string | null): Representation {
  if (accept === null || accept.trim() === "") return PLAIN;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const values = new Map(parameters.map((parameter) => parameter.split("=") as [string, string]));
    const as = values.get("as") ?? "";
    const format = type === "application/yaml" ? "yaml" : "json";
    if (!["application/json", "application/yaml", "application/*", "*/*"].includes(type)) continue;
    if (as === "") return { ...PLAIN, format };
    if (REPRESENTATIONS.includes(as)) {
      return { as: as as Representation["as"], version: values.get("v") ?? "v1", format };
    }
  }
  throw new StatusError(
    "NotAcceptable",
    "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/json;stream=watch",
  );
}
