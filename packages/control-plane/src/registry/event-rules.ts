/** What makes an Event invalid: little in core/v1, for the sake of old clients, and more in events.k8s.io/v1. */
import { isEqual, isJsonObject, objectAt, stringAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { fromEventsGroup } from "./event-conversion.ts";
import { invalidValue, requiredValue } from "./rule-causes.ts";

const LIMITS = { reportingInstance: 128, action: 128, reason: 128, message: 1024 };
const TYPES = ["Normal", "Warning"];
/** What a newer event has other fields for. */
const OLD_FIELDS = ["firstTimestamp", "lastTimestamp", "count", "source"];
const FIXED = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
];

export function eventRules(served: KubeObject, old: KubeObject | undefined): StatusCause[] {
  if (served.apiVersion === "v1") return legacyRules(served, "reportingComponent");
  const event = fromEventsGroup(served);
  const causes = legacyRules(event, "reportingController");
  if (old !== undefined) {
    const before = fromEventsGroup(old);
    const changed = FIXED.filter((field) => !isEqual(event[field], before[field]));
    return [...causes, ...changed.map((field) => invalidValue(field, event[field] ?? null, "field is immutable"))];
  }
  const { series, type = "" } = event;
  if (isJsonObject(series) && Number(series["count"] ?? 0) < 2) {
    causes.push(invalidValue("series.count", "", "should be at least 2"));
  }
  if (!event["eventTime"]) causes.push(requiredValue("eventTime"));
  if (!TYPES.includes(String(type))) causes.push(invalidValue("type", "", `has invalid value: ${String(type)}`));
  const given = OLD_FIELDS.filter((field) => event[field] && !isEqual(event[field], {}));
  return [...causes, ...given.map((field) => invalidValue(field, "", "needs to be unset"))];
}

function legacyRules(event: KubeObject, controllerField: string): StatusCause[] {
  const { namespace = "" } = event.metadata;
  const about = stringAt(objectAt(event, "involvedObject"), "namespace");
  const isNew = Boolean(event["eventTime"]);
  const isAboutCluster = about === "" && (namespace === "default" || (isNew && namespace === "kube-system"));
  const fits = isAboutCluster || (isNew ? about !== "" : about === namespace);
  const causes = fits ? [] : [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
  if (!isNew) return causes;
  if (stringAt(event, "reportingComponent") === "") causes.push(requiredValue(controllerField));
  for (const [field, limit] of Object.entries(LIMITS)) {
    const text = stringAt(event, field);
    if (text === "" && field !== "message") causes.push(requiredValue(field));
    if (text.length > limit) causes.push(invalidValue(field, "", `can have at most ${limit} characters`));
  }
  return causes;
}
