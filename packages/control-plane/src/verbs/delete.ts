/** Deletion of one object or a selection: at once, or after finalizers, dependants or a grace period. */
import { respondJson, successStatus } from "../http/respond.ts";
import { toTime } from "../clock.ts";
import { arrayAt, isEqual, isJsonObject, objectAt, stringAt, textOf, toApiVersion, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { fromStored, toStored } from "../registry/conversion.ts";
import { markTerminating } from "../registry/definition-status.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { decodeLikeGo } from "../schema/go-decoding.ts";
import { restrictNode } from "../security/node-restriction.ts";
import { badRequest, conflict, forbidden, invalidOptions, notFound } from "../status-error.ts";
import type { StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { isFinished } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { decode, noObject, notRegistered, NO_VERSION_OR_KIND } from "./decode.ts";
import { renderList, renderObject } from "./render.ts";
import { selectionOf } from "./selection.ts";
import { reviewMutation, reviewResult } from "./webhook-review.ts";
import { write } from "./write.ts";
import { dryRunProblems } from "./write-options.ts";

export const ORPHAN_FINALIZER = "orphan";
export const FOREGROUND_FINALIZER = "foregroundDeletion";
const LASTING_NAMESPACES = ["default", "kube-system", "kube-public"];
const DEFAULT_POD_GRACE_SECONDS = 30;
/** Kinds whose deletion answers with the object rather than a Status. */
const RETURNED_KINDS = [
  "Pod",
  "Service",
  "ServiceAccount",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "ResourceQuota",
];

export async function deleteObject(context: Context): Promise<Response> {
  const options = await readDeleteOptions(context);
  const { object, removed } = await write(context, { deleteOptions: options }, (transaction, admitted) =>
    removeObject(admitted, transaction, options),
  );
  const { resource } = context;
  if (!removed || (!resource.custom && RETURNED_KINDS.includes(resource.kind))) return renderObject(context, object);
  return respondJson(successStatus({ details: detailsOf(context, object) }));
}

export async function deleteCollection(context: Context): Promise<Response> {
  const options = await readDeleteOptions(context);
  const { resource, server, namespace } = context;
  const selection = selectionOf(context);
  const query = { resource: resource.storage, ...(namespace === "" ? {} : { namespace }) };
  const selected = server.storage.list(query).filter((stored) => selection.selects(fromStored(stored, resource)));
  const items = await write(context, { deleteOptions: options }, (transaction, admitted) =>
    selected.flatMap((stored) => {
      const one = { ...admitted, namespace: stored.namespace, name: stored.name };
      return transaction.get(keyOf(one)) === undefined ? [] : [removeObject(one, transaction, options).object];
    }),
  );
  const metadata = { resourceVersion: String(server.storage.revision) };
  const apiVersion = toApiVersion(resource.group, resource.version);
  const rendered = renderList(context, { metadata, objects: items });
  return rendered ?? respondJson({ kind: resource.listKind, apiVersion, metadata, items });
}

/**
 * Removes the object or marks it for deletion, inside a transaction. Throws NotFound and Conflict. `prepare` may change
 * it before, which is a write of its own.
 */
// oxlint-disable-next-line max-params -- the last is for one caller
export function removeObject(
  context: Context,
  transaction: Transaction,
  options: JsonObject,
  prepare?: (object: KubeObject) => void,
): { object: KubeObject; removed: boolean } {
  const { resource, server } = context;
  const key = keyOf(context);
  const stored = transaction.get(key);
  if (stored === undefined) throw notFound(resource, context.name);
  const object = fromStored(stored, resource);
  restrictNode({ user: context.user, resource, old: object, next: undefined });
  if (resource.storage === "namespaces" && LASTING_NAMESPACES.includes(context.name)) {
    throw forbidden(resource, context.name, "this namespace may not be deleted");
  }
  checkPreconditions(context, object, objectAt(options, "preconditions"));
  if (prepare !== undefined) {
    prepare(object);
    if (!isEqual(object, fromStored(stored, resource))) transaction.put(key, toStored(object, resource));
  }
  // Webhooks hear of an eviction as such.
  if (context.subresource === "") {
    const reviewed = { operation: "DELETE", old: object, deleteOptions: options } as const;
    reviewMutation(context, reviewed);
    reviewResult(context, reviewed);
  }
  const before = JSON.stringify(object);
  const { metadata } = object;
  if (resource.kind === "CustomResourceDefinition" && !resource.custom && metadata.deletionTimestamp === undefined) {
    markTerminating(object, toTime(server.clock.now()));
  }
  setFinalizers(object, finalizersFor(metadata.finalizers ?? [], options));
  const graceSeconds = graceOf(context, object, options);
  const waits = !isFinished(marked(object), resource) || graceSeconds > 0;
  if (!waits) return { object: transaction.remove(key, toStored(object, resource)), removed: true };
  const isShorter = graceSeconds < (metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY);
  if (metadata.deletionTimestamp === undefined || isShorter) {
    if (metadata.deletionTimestamp === undefined && metadata.generation !== undefined) metadata.generation += 1;
    metadata.deletionTimestamp = toTime(server.clock.now() + graceSeconds * 1000);
    // Namespaces have a way of their own to wait.
    if (resource.storage !== "namespaces") metadata.deletionGracePeriodSeconds = graceSeconds;
  }
  if (resource.kind === "Namespace" && !resource.custom) objectAt(object, "status")["phase"] = "Terminating";
  if (JSON.stringify(object) === before) return { object, removed: false };
  const { resourceVersion } = transaction.put(key, toStored(object, resource)).metadata;
  metadata.resourceVersion = resourceVersion;
  return { object, removed: false };
}

/** Of the body, or where there is none of the query. Throws BadRequest and Invalid. */
async function readDeleteOptions(context: Context): Promise<JsonObject> {
  const hasBody = (await context.body()).byteLength > 0;
  const options = hasBody ? await readOptions(context) : optionsOf(context.query);
  checkDeleteOptions(options);
  return options;
}

/** Throws Invalid with all that is wrong. */
export function checkDeleteOptions(options: JsonObject): void {
  const { propagationPolicy: policy } = options;
  const causes = dryRunProblems(arrayAt(options, "dryRun"));
  if (policy !== undefined && options["orphanDependents"] !== undefined) {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`;
    causes.unshift({ reason: "FieldValueInvalid", message, field: "propagationPolicy" });
  } else if (policy !== undefined && !["Orphan", "Background", "Foreground"].includes(textOf(policy))) {
    const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
    causes.unshift({ reason: "FieldValueNotSupported", message, field: "propagationPolicy" });
  }
  if (causes.length > 0) throw invalidOptions("DeleteOptions", causes);
}

async function readOptions(context: Context): Promise<JsonObject> {
  const { value } = await decode(context, (why) => badRequest(`${NO_VERSION_OR_KIND}${why}`));
  const options = value ?? {};
  if (!isJsonObject(options)) throw badRequest(noObject(options));
  const [apiVersion, kind] = [stringAt(options, "apiVersion"), stringAt(options, "kind")];
  if (kind !== "" && kind !== "DeleteOptions") throw badRequest(notRegistered(apiVersion, kind));
  const problem = decodeLikeGo(options, builtInSchema("meta/v1.DeleteOptions") ?? {});
  if (problem !== undefined) throw badRequest(problem);
  return options;
}

function optionsOf(query: URLSearchParams): JsonObject {
  const options: JsonObject = {};
  const policy = query.get("propagationPolicy");
  if (policy !== null) options["propagationPolicy"] = policy;
  if (query.has("dryRun")) options["dryRun"] = query.getAll("dryRun");
  const orphan = query.get("orphanDependents");
  if (orphan !== null) options["orphanDependents"] = orphan === "true";
  const grace = query.get("gracePeriodSeconds");
  if (grace !== null) {
    if (!/^[+-]?\d+$/.test(grace)) {
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    }
    options["gracePeriodSeconds"] = Number(grace);
  }
  return options;
}

function checkPreconditions(context: Context, object: KubeObject, preconditions: JsonObject): void {
  const { uid, resourceVersion } = preconditions;
  const { metadata } = object;
  if (typeof uid === "string" && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw unmet(context, metadata.name, why);
  }
  if (typeof resourceVersion === "string" && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw unmet(context, metadata.name, why);
  }
}

/** The server names the kind here, not the resource. */
function unmet({ resource }: Context, name: string, why: string): StatusError {
  return conflict({ ...resource, plural: resource.kind }, name, why);
}

function finalizersFor(finalizers: readonly string[], options: JsonObject): string[] {
  const others = finalizers.filter((name) => name !== ORPHAN_FINALIZER && name !== FOREGROUND_FINALIZER);
  if (options["propagationPolicy"] === "Orphan" || options["orphanDependents"] === true) {
    return [...others, ORPHAN_FINALIZER];
  }
  if (options["propagationPolicy"] === "Foreground") return [...others, FOREGROUND_FINALIZER];
  const unspecified = options["propagationPolicy"] === undefined && options["orphanDependents"] === undefined;
  return unspecified ? [...finalizers] : others;
}

function setFinalizers(object: KubeObject, finalizers: string[]): void {
  if (finalizers.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = finalizers;
}

/** Only pods that run somewhere get time to stop; all other kinds go as soon as nothing holds them. */
function graceOf(context: Context, object: KubeObject, options: JsonObject): number {
  if (context.resource.storage !== "pods") return 0;
  const phase = stringAt(object["status"], "phase");
  if (valueAt(object, "spec.nodeName") === undefined || phase === "Failed" || phase === "Succeeded") return 0;
  const wanted = options["gracePeriodSeconds"] ?? valueAt(object, "spec.terminationGracePeriodSeconds");
  return typeof wanted === "number" && wanted >= 0 ? wanted : DEFAULT_POD_GRACE_SECONDS;
}

function marked(object: KubeObject): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: object.metadata.deletionTimestamp ?? "now",
      deletionGracePeriodSeconds: 0,
    },
  };
}

function detailsOf(context: Context, object: KubeObject): JsonObject {
  const { group, plural } = context.resource;
  return { name: object.metadata.name, ...(group === "" ? {} : { group }), kind: plural, uid: object.metadata.uid };
}
