/** Whether a webhook wants to hear of a write, and in which version of the kind. */
import { arrayAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import type { Labels } from "../selectors/label-selector.ts";
import type { Write } from "./review.ts";
import type { Webhook, WebhookRule } from "./webhook.ts";

/** Where matching looks things up. */
export type Surroundings = {
  /** All forms the kind is served in; they share their storage. */
  forms(resource: Resource): readonly Resource[];
  /** `undefined`: there is no such namespace. */
  namespaceLabels(namespace: string): Labels | undefined;
};

/** The form of the kind the webhook is to be sent, or `undefined` when it has no interest in the write. */
export function matchWebhook(webhook: Webhook, write: Write, surroundings: Surroundings): Resource | undefined {
  const served = formFor(webhook, write, surroundings);
  if (served === undefined) return undefined;
  const isSelected =
    matchesNamespace(webhook.namespaceSelector, write, surroundings) &&
    matchesObject(webhook.objectSelector, [write.object, write.old]);
  return isSelected ? served : undefined;
}

/** Whether any write of this kind could concern the webhook; what its selectors say is left open. */
export function formFor(
  webhook: Webhook,
  write: Pick<Write, "operation" | "resource" | "subresource">,
  { forms }: Surroundings,
): Resource | undefined {
  const matches = (resource: Resource): boolean => webhook.rules.some((rule) => matchesRule(rule, write, resource));
  if (matches(write.resource)) return write.resource;
  return webhook.matchPolicy === "Equivalent" ? forms(write.resource).find(matches) : undefined;
}

function matchesRule(
  rule: WebhookRule,
  write: Pick<Write, "operation" | "subresource" | "resource">,
  resource: Resource,
): boolean {
  const has = (values: readonly string[], value: string): boolean => values.includes("*") || values.includes(value);
  return (
    has(rule.operations, write.operation) &&
    has(rule.groups, resource.group) &&
    has(rule.versions, resource.version) &&
    (rule.scope === "*" || rule.scope === (resource.namespaced ? "Namespaced" : "Cluster")) &&
    rule.resources.some((pattern) => matchesResource(pattern, resource.plural, write.subresource))
  );
}

/** A star alone stands for every kind but for no subresource. */
function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const [wantedPlural = "", wantedSubresource = ""] = pattern.split("/");
  return (
    (wantedPlural === "*" || wantedPlural === plural) &&
    (wantedSubresource === subresource || wantedSubresource === "*")
  );
}

function matchesNamespace(selector: JsonObject, write: Write, { namespaceLabels }: Surroundings): boolean {
  if (isEmpty(selector)) return true;
  if (write.resource.storage === "namespaces") {
    return matchesSelectorObject(selector, (write.object ?? write.old)?.metadata.labels ?? {});
  }
  if (!write.resource.namespaced) return true;
  const labels = namespaceLabels(write.namespace);
  return labels !== undefined && matchesSelectorObject(selector, labels);
}

function matchesObject(selector: JsonObject, objects: readonly (KubeObject | undefined)[]): boolean {
  if (isEmpty(selector)) return true;
  return objects.some(
    (object) => object !== undefined && matchesSelectorObject(selector, object.metadata.labels ?? {}),
  );
}

function isEmpty(selector: JsonObject): boolean {
  return Object.keys(selector["matchLabels"] ?? {}).length === 0 && arrayAt(selector, "matchExpressions").length === 0;
}
