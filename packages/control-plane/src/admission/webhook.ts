/** Webhooks as Mutating- and ValidatingWebhookConfigurations name them, read from the store. */
import { arrayAt, objectAt, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";

export type WebhookRule = {
  operations: readonly string[];
  groups: readonly string[];
  versions: readonly string[];
  /** `pods`, `pods/log`, `pods/*`, `*`, a star for the part before the slash, or for all. */
  resources: readonly string[];
  scope: string;
};

export type Webhook = {
  /** Unique among all configurations. */
  id: string;
  name: string;
  rules: readonly WebhookRule[];
  failurePolicy: "Fail" | "Ignore";
  matchPolicy: "Exact" | "Equivalent";
  reinvocationPolicy: "Never" | "IfNeeded";
  /** Whether it may be called for a dry run. */
  takesDryRun: boolean;
  timeoutSeconds: number;
  reviewVersions: readonly string[];
  objectSelector: JsonObject;
  namespaceSelector: JsonObject;
  matchConditions: readonly { name: string; expression: string }[];
  clientConfig: JsonObject;
};

export type WebhookType = "mutating" | "validating";

/** The configurations in force: ordered by name, within one as listed. */
export type WebhookList = (type: WebhookType) => readonly Webhook[];

const GROUP = "admissionregistration.k8s.io";

export function createWebhookList(storage: Storage): WebhookList {
  const lists: Partial<Record<WebhookType, Webhook[]>> = {};
  storage.subscribe((changes) => {
    for (const { resource } of changes) {
      if (resource === storageOf("mutating")) delete lists.mutating;
      else if (resource === storageOf("validating")) delete lists.validating;
    }
  });
  return (type) =>
    (lists[type] ??= storage
      .list({ resource: storageOf(type) })
      .flatMap(({ json }) => readConfiguration(JSON.parse(json) as KubeObject, type)));
}

function storageOf(type: WebhookType): string {
  return `${type}webhookconfigurations.${GROUP}`;
}

function readConfiguration(configuration: KubeObject, type: WebhookType): Webhook[] {
  return objectsAt(configuration, "webhooks").map((webhook, index) => ({
    id: `${type}/${configuration.metadata.name}/${index}`,
    name: stringAt(webhook, "name"),
    rules: objectsAt(webhook, "rules").map(readRule),
    failurePolicy: webhook["failurePolicy"] === "Ignore" ? "Ignore" : "Fail",
    matchPolicy: webhook["matchPolicy"] === "Exact" ? "Exact" : "Equivalent",
    reinvocationPolicy: webhook["reinvocationPolicy"] === "IfNeeded" ? "IfNeeded" : "Never",
    takesDryRun: ["None", "NoneOnDryRun"].includes(stringAt(webhook, "sideEffects")),
    timeoutSeconds: Number(webhook["timeoutSeconds"] ?? 10),
    reviewVersions: arrayAt(webhook, "admissionReviewVersions").map(String),
    objectSelector: objectAt(webhook, "objectSelector"),
    namespaceSelector: objectAt(webhook, "namespaceSelector"),
    matchConditions: arrayAt(webhook, "matchConditions").map((condition) => ({
      name: stringAt(condition, "name"),
      expression: stringAt(condition, "expression"),
    })),
    clientConfig: objectAt(webhook, "clientConfig"),
  }));
}

function readRule(rule: JsonObject): WebhookRule {
  return {
    operations: arrayAt(rule, "operations").map(String),
    groups: arrayAt(rule, "apiGroups").map(String),
    versions: arrayAt(rule, "apiVersions").map(String),
    resources: arrayAt(rule, "resources").map(String),
    scope: stringAt(rule, "scope") || "*",
  };
}
