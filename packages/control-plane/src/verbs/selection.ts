/** Which objects a list, watch or deletecollection is about. */
import type { KubeObject } from "../object.ts";
import { parseFieldSelector } from "../selectors/field-selector.ts";
import { parseLabelSelector } from "../selectors/label-selector-text.ts";
import type { Context } from "./context.ts";

export type Selection = { selects(object: KubeObject): boolean; isAll: boolean };

export function selectionOf(context: Context): Selection {
  const labels = context.query.get("labelSelector") ?? "";
  const fields = context.query.get("fieldSelector") ?? "";
  const byLabel = parseLabelSelector(labels);
  const byField = parseFieldSelector(fields, context.resource);
  return {
    isAll: labels === "" && fields === "" && context.name === "",
    selects: (object) =>
      (context.name === "" || object.metadata.name === context.name) &&
      byLabel(object.metadata.labels ?? {}) &&
      byField(object),
  };
}
