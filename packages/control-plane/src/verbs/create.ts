import { stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { randomSuffix } from "../random.ts";
import { toStored } from "../registry/conversion.ts";
import { alreadyExists, badRequest, forbidden, invalid, notFound } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { admitCreate } from "./admit.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { decodeObject } from "./decode.ts";
import { rememberManager, setManagedFields } from "./field-manager.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

/** Kubernetes cuts a long `generateName` so that the suffix still fits. */
const MAX_GENERATED_BASE = 58;
const GENERATION_ATTEMPTS = 8;

export async function createObject(context: Context): Promise<Response> {
  const sent = await decodeObject(context);
  const created = await write(context, {}, (transaction) => insert(context, transaction, { object: sent }));
  return renderObject(context, created, 201);
}

/** Stores a new object inside a transaction. Throws AlreadyExists, NotFound and Forbidden for its namespace, Invalid. */
export function insert(
  context: Context,
  transaction: Transaction,
  { object: sent, managedFields }: { object: KubeObject; managedFields?: JsonObject[] },
): KubeObject {
  const { resource } = context;
  checkNamespace(context, transaction);
  const named = { ...sent, metadata: { ...sent.metadata, name: chooseName(context, transaction, sent) } };
  if (stringAt(sent.metadata, "resourceVersion") !== "" && stringAt(sent.metadata, "resourceVersion") !== "0") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  const key = keyOf(context, named.metadata.name);
  if (transaction.get(key) !== undefined) throw alreadyExists(resource, named.metadata.name);
  const object = admitCreate(context, named);
  if (managedFields === undefined) rememberManager(context, undefined, object);
  else setManagedFields(object, managedFields);
  object.metadata.resourceVersion = transaction.put(key, toStored(object, resource)).metadata.resourceVersion;
  return object;
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
    const generated = `${base}${randomSuffix(context.server.random)}`;
    if (attempt === GENERATION_ATTEMPTS || transaction.get(keyOf(context, generated)) === undefined) return generated;
  }
}

function checkNamespace(context: Context, transaction: Transaction): void {
  const { resource, namespace } = context;
  if (!resource.namespaced) return;
  const stored = transaction.get({ resource: "namespaces", namespace: "", name: namespace });
  const namespaces = { group: "", plural: "namespaces", kind: "Namespace" };
  if (stored === undefined) throw notFound(namespaces, namespace);
  const object = JSON.parse(stored.json) as KubeObject;
  if (object.metadata.deletionTimestamp === undefined) return;
  const message = `namespace ${namespace} is being terminated`;
  const error = forbidden(
    resource,
    context.name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  error.details?.causes?.push({ reason: "NamespaceTerminating", message, field: "metadata.namespace" });
  throw error;
}
