import { stringAt } from "../object.ts";
import type { JsonObject, KubeObject, ObjectMeta } from "../object.ts";
import { randomSuffix } from "../random.ts";
import { toStored } from "../registry/conversion.ts";
import { alreadyExists, badRequest, forbidden, invalid, notFound, StatusError } from "../status-error.ts";
import type { Stored, Transaction } from "../storage/storage.ts";
import { admitCreate, mutateSent } from "./admit.ts";
import { keyOf, once } from "./context.ts";
import type { Context } from "./context.ts";
import { decodeObject } from "./decode.ts";
import { managersAfter, setManagedFields } from "./field-manager.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

/** Kubernetes cuts a long `generateName` so that the suffix still fits. */
const MAX_GENERATED_BASE = 58;
const GENERATION_ATTEMPTS = 8;

export async function createObject(context: Context): Promise<Response> {
  const sent = await decodeObject(context);
  const created = await write(context, {}, (transaction, admitted) => insert(admitted, transaction, { object: sent }));
  return renderObject(context, created, 201);
}

/** Stores a new object inside a transaction. Throws AlreadyExists, NotFound and Forbidden for its namespace, Invalid. */
export function insert(
  context: Context,
  transaction: Transaction,
  { object: given, managedFields }: { object: KubeObject; managedFields?: JsonObject[] },
): KubeObject {
  const { resource } = context;
  checkNamespace(context, transaction, stringAt(given.metadata, "name"));
  if (resource.isGoing === true) {
    const why = "create not allowed while custom resource definition is terminating";
    throw forbidden(resource, stringAt(given.metadata, "name"), why);
  }
  let owned = managedFields;
  const remember = (proposed: KubeObject): void => {
    owned ??= managersAfter(context, undefined, proposed);
  };
  const sent = mutateSent(context, given, remember);
  const named = { ...sent, metadata: { ...sent.metadata, name: chooseName(context, transaction, sent) } };
  // What is no revision at all is passed over.
  if (/^0*[1-9]\d*$/.test(stringAt(sent.metadata, "resourceVersion"))) {
    throw new StatusError("Unknown", "resourceVersion should not be set on objects to be created");
  }
  const key = keyOf(context, named.metadata.name);
  const existing = transaction.get(key);
  if (existing !== undefined) throw alreadyExists(resource, named.metadata.name, isBeingDeleted(existing));
  const object = admitCreate(context, named, remember);
  setManagedFields(object, owned ?? []);
  const { resourceVersion } = transaction.put(key, toStored(object, resource)).metadata;
  if (resourceVersion === "") delete (object.metadata as Partial<ObjectMeta>).resourceVersion;
  else object.metadata.resourceVersion = resourceVersion;
  return object;
}

function isBeingDeleted({ json }: Stored): boolean {
  return (JSON.parse(json) as KubeObject).metadata.deletionTimestamp !== undefined;
}

function chooseName(context: Context, transaction: Transaction, sent: KubeObject): string {
  const name = stringAt(sent.metadata, "name");
  if (name !== "") {
    if (context.name !== "" && context.name !== name) {
      throw badRequest(`the name of the object (${name}) does not match the name on the URL (${context.name})`);
    }
    return name;
  }
  const base = stringAt(sent.metadata, "generateName").slice(0, MAX_GENERATED_BASE);
  if (base === "") {
    const cause = {
      reason: "FieldValueRequired",
      message: "Required value: name or generateName is required",
      field: "metadata.name",
    };
    throw invalid(context.resource, "", [cause]);
  }
  for (let attempt = 1; ; attempt += 1) {
    const generated = once(context, `suffix ${attempt}`, () => `${base}${randomSuffix(context.server.random)}`);
    if (attempt === GENERATION_ATTEMPTS || transaction.get(keyOf(context, generated)) === undefined) return generated;
  }
}

function checkNamespace(context: Context, transaction: Transaction, name: string): void {
  const { resource, namespace } = context;
  if (!resource.namespaced) return;
  const stored = transaction.get({ resource: "namespaces", namespace: "", name: namespace });
  const namespaces = { group: "", plural: "namespaces", kind: "Namespace" };
  if (stored === undefined) throw notFound(namespaces, namespace);
  // Most namespaces stay, and need not be parsed to see it.
  if (!stored.json.includes('"deletionTimestamp"')) return;
  const object = JSON.parse(stored.json) as KubeObject;
  if (object.metadata.deletionTimestamp === undefined) return;
  const message = `namespace ${namespace} is being terminated`;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const error = forbidden(resource, name, why);
  const causes = [{ reason: "NamespaceTerminating", message, field: "metadata.namespace" }];
  throw new StatusError("Forbidden", error.message, { details: { ...error.details, causes } });
}
