/** What happens to an object between its decoding and its storage: server-owned metadata, defaults, pruning, rules. */
import { toTime } from "../clock.ts";
import { UNCHECKED_RULES } from "../cel/validate-rules.ts";
import { copyJson, isEqual, objectAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { randomUuid } from "../random.ts";
import { defaultDefinition } from "../registry/custom-definition.ts";
import { establish } from "../registry/definition-status.ts";
import { verdictProblems } from "../registry/certificate-request-rules.ts";
import type { Resource } from "../registry/resource.ts";
import { applySchemaDefaults } from "../schema/default.ts";
import { encodeLikeGo } from "../schema/go-encoding.ts";
import { pruneObject } from "../schema/prune.ts";
import { validateSchema } from "../schema/validate.ts";
import { restrictNode } from "../security/node-restriction.ts";
import { invalid } from "../status-error.ts";
import { once } from "./context.ts";
import type { Context } from "./context.ts";
import { finalizerWarnings, validateMetadata } from "./metadata-rules.ts";
import { limitRequest, stampRequester } from "./certificate-request.ts";
import { reviewMutation, reviewResult } from "./webhook-review.ts";

/** The part of an object that a request may change; `finalize` is for the finalizers of a namespace. */
export type Scope = "main" | "status" | "approval" | "scale" | "finalize";

/** Is shown the object as the request has it, before admission adds its own. */
type OnProposed = (object: KubeObject) => void;

/** A new object as mutating webhooks leave it, before the server gives it a name and an identity. */
export function mutateSent(context: Context, sent: KubeObject, onProposed: OnProposed): KubeObject {
  const { resource, subresource } = context;
  if (context.admission?.mayMutate({ operation: "CREATE", resource, subresource }) !== true) return sent;
  const object = canonical(copyJson(sent));
  shape(context, object);
  onProposed(object);
  return reviewMutation(context, { operation: "CREATE", object }, (changed) => shape(context, changed)) ?? object;
}

/** Returns the object to store; throws BadRequest, Invalid or a webhook's refusal. */
export function admitCreate(context: Context, sent: KubeObject, onProposed: OnProposed): KubeObject {
  const { resource, server } = context;
  const object = canonical(sent);
  const { metadata } = object;
  metadata.uid = once(context, "uid", () => randomUuid(server.random));
  metadata.creationTimestamp = once(context, "time", () => toTime(server.clock.now()));
  metadata.resourceVersion = "";
  delete metadata.managedFields;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (resource.generation === "none") delete metadata.generation;
  else metadata.generation = 1;
  if (!resource.statusOnCreate) delete object["status"];
  if (!resource.custom && resource.subresources.includes("status")) object["status"] ??= {};
  shape(context, object);
  onProposed(object);
  resource.prepareCreate?.(object);
  if (isCertificateRequest(resource)) stampRequester(object, context.user);
  check(context, object, undefined);
  restrictNode({ user: context.user, resource, old: undefined, next: object });
  server.checkGrant({ user: context.user, resource, subresource: context.subresource, old: undefined, next: object });
  reviewResult(context, { operation: "CREATE", object });
  return object;
}

/** Returns the object to store in place of `old`. `scope` says which part of it the request may change. */
export function admitUpdate(
  context: Context,
  change: { old: KubeObject; next: KubeObject; scope: Scope; onProposed: OnProposed },
): KubeObject {
  const { resource } = context;
  const { old } = change;
  const proposed = prepareUpdate(context, change);
  change.onProposed(proposed);
  resource.prepareUpdate?.(proposed);
  // Scale is reviewed as the Scale it was sent as.
  const isReviewed = change.scope !== "scale";
  const next = isReviewed
    ? (reviewMutation(context, { operation: "UPDATE", object: proposed, old }, (changed) => shape(context, changed)) ??
      proposed)
    : proposed;
  const object = next === proposed ? proposed : prepareUpdate(context, { ...change, next });
  check(context, object, old);
  if (change.scope === "status" && isCertificateRequest(resource)) {
    const causes = verdictProblems(object, old);
    if (causes.length > 0) throw invalid(resource, object.metadata.name, causes);
  }
  restrictNode({ user: context.user, resource, old, next: object });
  context.server.checkGrant({ user: context.user, resource, subresource: context.subresource, old, next: object });
  const { metadata } = object;
  if (metadata.generation !== undefined && specChanged(resource, old, object)) metadata.generation += 1;
  if (isReviewed) reviewResult(context, { operation: "UPDATE", object, old });
  return object;
}

function prepareUpdate(context: Context, change: { old: KubeObject; next: KubeObject; scope: Scope }): KubeObject {
  const { old } = change;
  const limited = limitScope(change, context.resource);
  const object = canonical(
    isCertificateRequest(context.resource)
      ? limitRequest({ old, next: limited, part: change.scope, time: toTime(context.server.clock.now()) })
      : limited,
  );
  const { metadata } = object;
  metadata.name = old.metadata.name;
  metadata.uid = old.metadata.uid;
  metadata.creationTimestamp = old.metadata.creationTimestamp;
  keep(metadata, old.metadata, "namespace");
  keep(metadata, old.metadata, "deletionTimestamp");
  keep(metadata, old.metadata, "deletionGracePeriodSeconds");
  keep(metadata, old.metadata, "generation");
  shape(context, object);
  return object;
}

/** The object as an older or newer schema revision would read it: pruned and defaulted. */
function shape(context: Context, object: KubeObject): void {
  const { resource, server } = context;
  if (resource.kind === "CustomResourceDefinition" && !resource.custom) {
    defaultDefinition(object);
    const others = server.storage
      .list({ resource: resource.storage })
      .map(({ json }) => JSON.parse(json) as KubeObject);
    establish(object, { time: toTime(server.clock.now()), others });
  }
  if (resource.schema !== undefined) {
    const { schema, custom } = resource;
    pruneObject(object, schema, custom);
    if (custom) applySchemaDefaults(object, schema);
  }
  resource.applyDefaults?.(object);
  if (!resource.custom) encodeLikeGo(object, resource.schema ?? {});
}

function check(context: Context, object: KubeObject, old: KubeObject | undefined): void {
  const { resource } = context;
  const causes = validateMetadata(object, resource);
  if (resource.custom) context.warnings.push(...finalizerWarnings(object, old));
  if (old?.metadata.deletionTimestamp !== undefined) {
    const added = (object.metadata.finalizers ?? []).filter((name) => !(old.metadata.finalizers ?? []).includes(name));
    if (added.length > 0) {
      const names = added.map((name) => JSON.stringify(name)).join(", ");
      causes.push({
        reason: "FieldValueForbidden",
        message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`,
        field: "metadata.finalizers",
      });
    }
  }
  if (resource.schema !== undefined && resource.custom) {
    const broken = validateSchema(object, resource.schema);
    const rules = resource.rules?.();
    causes.push(...broken);
    if (rules !== undefined) causes.push(...(broken.length === 0 ? rules(object, old) : [UNCHECKED_RULES]));
  }
  causes.push(...(resource.validate?.(object, old) ?? []));
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes);
}

/** apiVersion, kind and metadata first, then what the object came with. */
function canonical(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { name, ...others } = metadata;
  return { apiVersion, kind, metadata: { name, ...others }, ...rest };
}

function limitScope(change: { old: KubeObject; next: KubeObject; scope: Scope }, resource: Resource): KubeObject {
  const { old, next, scope } = change;
  if (scope === "status" || scope === "approval") {
    const metadata = resource.custom
      ? { ...old.metadata, ...(next.metadata.managedFields ? { managedFields: next.metadata.managedFields } : {}) }
      : next.metadata;
    const { status: _status, ...rest } = old;
    return { ...rest, metadata: { ...metadata }, ...("status" in next ? { status: next["status"] } : {}) };
  }
  if (resource.storage === "namespaces")
    return { ...withFinalizersOf(scope === "main" ? old : next, next), status: old["status"] };
  if (scope === "main" && resource.subresources.includes("status") && resource.kind !== "CustomResourceDefinition") {
    const { status: _status, ...rest } = next;
    return { ...rest, metadata: { ...next.metadata }, ...("status" in old ? { status: old["status"] } : {}) };
  }
  return { ...next, metadata: { ...next.metadata } };
}

function withFinalizersOf(source: KubeObject, namespace: KubeObject): KubeObject {
  const { finalizers } = objectAt(source, "spec");
  const { finalizers: _finalizers, ...spec } = objectAt(namespace, "spec");
  return {
    ...namespace,
    metadata: { ...namespace.metadata },
    spec: finalizers === undefined ? spec : { ...spec, finalizers },
  };
}

function keep<T extends object, K extends keyof T>(target: T, source: T, key: K): void {
  if (source[key] === undefined) delete target[key];
  else target[key] = source[key];
}

function specChanged(resource: Resource, old: KubeObject, next: KubeObject): boolean {
  const { generation } = resource;
  if (generation === "spec-and-annotations" && !isEqual(old.metadata.annotations, next.metadata.annotations))
    return true;
  if (generation !== "all" && "spec" in next) return !isEqual(old["spec"], next["spec"]);
  const relevant = (object: KubeObject): JsonObject => {
    const { metadata: _metadata, apiVersion: _apiVersion, ...rest } = object;
    if (resource.subresources.includes("status")) delete rest["status"];
    return rest;
  };
  return !isEqual(relevant(old), relevant(next));
}

function isCertificateRequest({ kind, custom }: Resource): boolean {
  return kind === "CertificateSigningRequest" && !custom;
}
