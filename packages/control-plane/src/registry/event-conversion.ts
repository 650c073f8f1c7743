/** Events are kept as core/v1 and served in both groups; fields bear different names there. */
import type { KubeObject } from "../object.ts";

const STORED_TO_SERVED: Record<string, string> = {
  involvedObject: "regarding",
  message: "note",
  reportingComponent: "reportingController",
  source: "deprecatedSource",
  firstTimestamp: "deprecatedFirstTimestamp",
  lastTimestamp: "deprecatedLastTimestamp",
  count: "deprecatedCount",
};
const SERVED_TO_STORED = Object.fromEntries(Object.entries(STORED_TO_SERVED).map(([from, to]) => [to, from]));

export function toEventsGroup(stored: KubeObject): KubeObject {
  return { ...rename(stored, STORED_TO_SERVED), apiVersion: "events.k8s.io/v1" };
}

export function fromEventsGroup(served: KubeObject): KubeObject {
  return { ...rename(served, SERVED_TO_STORED), apiVersion: "v1" };
}

function rename(object: KubeObject, names: Record<string, string>): KubeObject {
  const entries = Object.entries(object).map(([key, value]) => [names[key] ?? key, value]);
  return Object.fromEntries(entries) as KubeObject;
}
