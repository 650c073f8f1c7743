/** PATCH with an apply configuration: creates the object, or merges into it. */
import { applyObject } from "../apply/apply.ts";
import { trackedFields, writeEntries } from "../apply/managed-fields.ts";
import { typingOf } from "../apply/typing.ts";
import { toTime } from "../clock.ts";
import { isTrue } from "../http/request-info.ts";
import { isJsonObject, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { pruneObject } from "../schema/prune.ts";
import { badRequest, invalid, notFound, StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { changeObject, scopeOf } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { insert } from "./create.ts";
import { decodeBody, toObject } from "./decode.ts";
import { managerOf, withoutStatus } from "./field-manager.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

export async function applyConfiguration(context: Context): Promise<Response> {
  const { resource, name } = context;
  if ((context.query.get("fieldManager") ?? "") === "") {
    throw invalid({ group: "meta.k8s.io", plural: "patchoptions", kind: "PatchOptions" }, "", [
      { reason: "FieldValueRequired", message: "Required value: is required for apply patch", field: "fieldManager" },
    ]);
  }
  const applied = toApplied(await decodeBody(context), context);
  const { object, isNew } = await write(context, {}, (transaction, admitted) => {
    const isNew = transaction.get(keyOf(context)) === undefined;
    if (isNew && context.subresource !== "") throw notFound(resource, name);
    return { object: isNew ? create(admitted, transaction, applied) : merge(admitted, transaction, applied), isNew };
  });
  return renderObject(context, object, isNew ? 201 : 200);
}

function create(context: Context, transaction: Transaction, applied: KubeObject): KubeObject {
  const time = toTime(context.server.clock.now());
  const fields = trackedFields(applied, typingOf(context.resource));
  const managedFields = writeEntries([{ ...managerOf(context, "Apply"), time, fields }]);
  const { resource, namespace } = context;
  const metadata = resource.namespaced ? { ...applied.metadata, namespace } : applied.metadata;
  return insert(context, transaction, { object: { ...applied, metadata }, managedFields });
}

function merge(context: Context, transaction: Transaction, applied: KubeObject): KubeObject {
  let managedFields: JsonObject[] = [];
  return changeObject(context, transaction, {
    scope: scopeOf(context.subresource),
    next: (live) => {
      const result = applyObject({
        live,
        applied,
        manager: managerOf(context, "Apply"),
        typing: typingOf(context.resource),
        force: isTrue(context.query.get("force")),
        time: toTime(context.server.clock.now()),
      });
      managedFields = result.managedFields;
      return result.object;
    },
    managedFields: () => managedFields,
  });
}

function toApplied(body: unknown, context: Context): KubeObject {
  if (!isJsonObject(body) || stringAt(body, "apiVersion") === "" || stringAt(body, "kind") === "") {
    throw badRequest("an apply configuration must name its apiVersion and kind");
  }
  const applied = asSent(toObject(body, context.resource, context), body);
  checkDeclared(applied, context);
  if (applied.metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const name = applied.metadata.name ?? context.name;
  if (name !== context.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${context.name})`);
  }
  return withoutStatus(context, { ...applied, metadata: { ...applied.metadata, name } });
}

/** An apply configuration says no more than its sender did: no namespace that only the path tells. */
function asSent(applied: KubeObject, body: JsonObject): KubeObject {
  const { namespace, ...metadata } = applied.metadata;
  const isSaid = stringAt(body["metadata"], "namespace") !== "";
  return { ...applied, metadata: isSaid && namespace !== undefined ? { ...metadata, namespace } : metadata };
}

/** Throws for fields that the kind does not have: unlike other writes, an apply never drops them. */
function checkDeclared(applied: KubeObject, { resource, name }: Context): void {
  if (resource.schema === undefined) return;
  const unknown = pruneObject(structuredClone(applied), resource.schema, resource.custom);
  if (unknown.length === 0) return;
  const lines = unknown.map((path) => `.${path}: field not declared in schema`);
  const what = lines.length === 1 ? (lines[0] ?? "") : `errors:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  const gvk = `${toApiVersion(resource.group, resource.version)}, Kind=${resource.kind}`;
  const id = `${applied.metadata.namespace ?? ""}/${name}; ${resource.group === "" ? "/" : ""}${gvk}`;
  throw new StatusError("Unknown", `failed to create typed patch object (${id}): ${what}`);
}
