/** What `kubectl get hpa` shows: each metric beside its target. */
import { objectAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { AGE, column, count, field, formatSome, NAME, NONE, UNKNOWN, UNSET } from "./column.ts";

export const AUTOSCALER_COLUMNS: readonly Column[] = [
  NAME,
  column("Reference", ({ spec }) => {
    const target = valueAt(spec, "scaleTargetRef");
    return `${stringAt(target, "kind")}/${stringAt(target, "name")}`;
  }),
  column("Targets", targets),
  field("MinPods", "spec.minReplicas", UNSET),
  column("MaxPods", (autoscaler) => count(autoscaler, "spec.maxReplicas")),
  column("Replicas", (autoscaler) => count(autoscaler, "status.currentReplicas")),
  AGE,
];

/** Where a metric of a type has its source. */
const SOURCES: Record<string, string> = {
  External: "external",
  Pods: "pods",
  Object: "object",
  Resource: "resource",
  ContainerResource: "containerResource",
};

function targets({ spec, status }: KubeObject): string {
  const current = objectsAt(status, "currentMetrics");
  const texts = objectsAt(spec, "metrics").map((metric, index) => formatMetric(metric, current[index]));
  return texts.length === 0 ? NONE : formatSome(texts, { most: 2, between: ", " });
}

function formatMetric(metric: JsonObject, measured: unknown): string {
  const type = stringAt(metric, "type");
  const key = SOURCES[type];
  if (key === undefined) return "<unknown type>";
  const source = objectAt(metric, key);
  const target = objectAt(source, "target");
  const current = valueAt(measured, `${key}.current`);
  const at = (owner: unknown, name: string, unit = ""): string | undefined => {
    const value = valueAt(owner, name);
    return value === undefined ? undefined : `${textOf(value)}${unit}`;
  };
  const average = at(target, "averageValue");
  if (!type.endsWith("Resource")) {
    if (average === undefined) return `${at(current, "value") ?? UNKNOWN}/${at(target, "value") ?? ""}`;
    return `${at(current, "averageValue") ?? UNKNOWN}/${average}${type === "Pods" ? "" : " (avg)"}`;
  }
  const pair =
    average === undefined
      ? `${at(current, "averageUtilization", "%") ?? UNKNOWN}/${at(target, "averageUtilization", "%") ?? "<auto>"}`
      : `${at(current, "averageValue") ?? UNKNOWN}/${average}`;
  return `${stringAt(source, "name")}: ${pair}`;
}
