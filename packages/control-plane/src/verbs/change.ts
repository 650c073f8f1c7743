/** The read-modify-write that update, patch, scale and status share. */
import { saysTheSame } from "../apply/managed-fields.ts";
import { copyJson, isEqual } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { toStored, viewStored } from "../registry/conversion.ts";
import type { Resource } from "../registry/resource.ts";
import { badRequest, conflict, invalid, MODIFIED_MESSAGE, nameless, notFound, StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { admitUpdate } from "./admit.ts";
import type { Scope } from "./admit.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { managersAfter, setManagedFields } from "./field-manager.ts";

export type Change = {
  scope: Scope;
  /** A PUT: some kinds insist on a resourceVersion. */
  isUpdate?: boolean;
  next(old: KubeObject): KubeObject;
  /** Who owns what afterwards, if `next` worked that out itself; else it follows from what changed. */
  managedFields?(): JsonObject[];
};

/** Which part of an object a request to this subresource may change. */
export function scopeOf(subresource: string): "main" | "status" | "approval" | "finalize" {
  return subresource === "finalize" || subresource === "status" || subresource === "approval" ? subresource : "main";
}

/** Throws NotFound, Conflict, BadRequest, Invalid. An object whose last finalizer goes is removed. */
export function changeObject(context: Context, transaction: Transaction, change: Change): KubeObject {
  const { resource, name } = context;
  const key = keyOf(context);
  const stored = transaction.get(key);
  if (stored === undefined) throw notFound(resource, name);
  const old = viewStored(stored, resource);
  const next = change.next(copyJson(old));
  checkPreconditions(context, old, { next, isUpdate: change.isUpdate === true });
  let managedFields: JsonObject[] = [];
  const object = admitUpdate(context, {
    old,
    next,
    scope: change.scope,
    onProposed(proposed) {
      managedFields = change.managedFields?.() ?? managersAfter(context, old, proposed);
    },
  });
  setManagedFields(object, managedFields);
  if (isFinished(object, resource)) return transaction.remove(key, toStored(object, resource));
  object.metadata.resourceVersion = old.metadata.resourceVersion;
  if (isSameButForTimes(object, old)) return old;
  const { resourceVersion } = transaction.put(key, toStored(object, resource)).metadata;
  object.metadata.resourceVersion = resourceVersion;
  return object;
}

function isSameButForTimes(a: KubeObject, b: KubeObject): boolean {
  const { managedFields: left = [], ...metadata } = a.metadata;
  const { managedFields: right = [], ...otherMetadata } = b.metadata;
  return isEqual({ ...a, metadata }, { ...b, metadata: otherMetadata }) && saysTheSame(left, right);
}

/** Deletion was asked for and nothing holds the object back any more. */
export function isFinished(object: KubeObject, resource: Resource): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return resource.kind !== "Namespace" || resource.custom || namespaceFinalizers(object).length === 0;
}

function namespaceFinalizers(object: KubeObject): unknown[] {
  const spec = object["spec"];
  const finalizers = typeof spec === "object" && spec !== null && "finalizers" in spec ? spec.finalizers : undefined;
  return Array.isArray(finalizers) ? finalizers : [];
}

function checkPreconditions(context: Context, old: KubeObject, options: { next: KubeObject; isUpdate: boolean }): void {
  const { resource } = context;
  const { metadata } = options.next;
  const name = old.metadata.name;
  if (metadata.name !== undefined && metadata.name !== "" && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if ((metadata.name ?? "") === "") throw nameless(name);
  const version = metadata.resourceVersion ?? "";
  if (version === "" || version === "0") {
    if (insistsOnVersion(resource)) {
      const message = "Invalid value: 0: must be specified for an update";
      // The server names the resource here, not the kind.
      throw invalid({ ...resource, kind: resource.plural }, name, [
        { reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" },
      ]);
    }
  } else if (!/^\d+$/.test(version) || BigInt(version) > MAX_VERSION) {
    const why = /^\d+$/.test(version) ? "value out of range" : "invalid syntax";
    throw new StatusError("Unknown", `strconv.ParseUint: parsing ${JSON.stringify(version)}: ${why}`);
  } else if (version !== old.metadata.resourceVersion) {
    throw conflict(resource, name, MODIFIED_MESSAGE);
  }
  const moved =
    old.metadata.deletionTimestamp === undefined ? LIFE_FIELDS.filter((field) => metadata[field] !== undefined) : [];
  if (moved.length > 0) {
    const causes = moved.map((field) => ({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(metadata[field])}: field is immutable`,
      field: `metadata.${field}`,
    }));
    throw invalid(resource, name, causes);
  }
  if (metadata.uid !== undefined && metadata.uid !== "" && metadata.uid !== old.metadata.uid) {
    if (!options.isUpdate) {
      const message = `Invalid value: ${JSON.stringify(metadata.uid)}: field is immutable`;
      throw invalid(resource, name, [{ reason: "FieldValueInvalid", message, field: "metadata.uid" }]);
    }
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
}

/** A deletion is asked for by none of these. */
const LIFE_FIELDS = ["deletionTimestamp", "deletionGracePeriodSeconds"] as const;
const MAX_VERSION = 2n ** 64n - 1n;

function insistsOnVersion(resource: Resource): boolean {
  return resource.custom || ["Lease", "CustomResourceDefinition", "PodDisruptionBudget"].includes(resource.kind);
}
