/** PATCH with an apply configuration: creates the object, or merges into it. */
import { applyObject } from "../apply/apply.ts";
import type { FieldSet } from "../apply/field-set.ts";
import { trackedFields, writeEntries } from "../apply/managed-fields.ts";
import { typingOf } from "../apply/typing.ts";
import { toTime } from "../clock.ts";
import { isTrue } from "../http/request-info.ts";
import { copyJson, isJsonObject, objectAt, stringAt, textOf, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { goTypeName } from "../schema/go-decoding.ts";
import { untyped } from "../apply/untyped.ts";
import { badRequest, conflict, nameless, notFound, StatusError } from "../status-error.ts";
import type { Transaction } from "../storage/storage.ts";
import { changeObject, scopeOf } from "./change.ts";
import { keyOf } from "./context.ts";
import type { Context } from "./context.ts";
import { insert } from "./create.ts";
import { decode, toPatched, unfit, withMetadata } from "./decode.ts";
import { repetitions, reportFields } from "./field-validation.ts";
import { managerOf, ownable } from "./field-manager.ts";
import { renderObject } from "./render.ts";
import { write } from "./write.ts";

const TO_JSON = "error converting YAML to JSON";

export async function applyConfiguration(context: Context): Promise<Response> {
  const { resource, name } = context;
  const { value, text } = await decode(context, (why) => badRequest(`error decoding YAML: ${TO_JSON}: ${why}`));
  const repeated = await repetitions(text, value);
  const sent = copyJson(value);
  const applied = toApplied(value, context);
  const configuration = { applied, fields: fieldsIn(sent, context) };
  const { object, isNew } = await write(context, {}, (transaction, admitted) => {
    const isNew = transaction.get(keyOf(context)) === undefined;
    if (isNew && context.subresource !== "") throw notFound(resource, name);
    const object = isNew ? create(admitted, transaction, configuration) : merge(admitted, transaction, configuration);
    reportFields(context, repeated, () => badRequest(`error strict decoding YAML: ${TO_JSON}: ${repeated.join("")}`));
    return { object, isNew };
  });
  return renderObject(context, object, isNew ? 201 : 200);
}

type Configuration = { applied: KubeObject; fields: FieldSet };

/** What the manager is to own: all that it has said, the empty and the void too. */
function fieldsIn(sent: unknown, context: Context): FieldSet {
  const configuration = ownable(context, (sent ?? {}) as KubeObject);
  return trackedFields(configuration, typingOf(context.resource));
}

function create(context: Context, transaction: Transaction, { applied, fields }: Configuration): KubeObject {
  const time = toTime(context.server.clock.now());
  const managedFields = writeEntries([{ ...managerOf(context, "Apply"), time, fields }]);
  const { resource, namespace, name } = context;
  if ((applied.metadata.uid ?? "") !== "") {
    const { uid } = applied.metadata;
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(resource, name, why);
  }
  if (applied.metadata.name === undefined) throw nameless(name);
  const metadata = resource.namespaced ? { ...applied.metadata, namespace } : applied.metadata;
  return insert(context, transaction, { object: { ...applied, metadata }, managedFields });
}

function merge(context: Context, transaction: Transaction, { applied, fields }: Configuration): KubeObject {
  let managedFields: JsonObject[] = [];
  return changeObject(context, transaction, {
    scope: scopeOf(context.subresource),
    next: (live) => {
      const result = applyObject({
        live,
        applied,
        fields,
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
  const { resource } = context;
  const configuration = body ?? {};
  if (!isJsonObject(configuration)) {
    const why = `json: cannot unmarshal ${goTypeName(body)} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${why}`);
  }
  const [apiVersion, kind] = [stringAt(configuration, "apiVersion"), stringAt(configuration, "kind")];
  if (apiVersion !== toApiVersion(resource.group, resource.version) || kind !== resource.kind) {
    throw badRequest(`invalid object type: ${describeKind(apiVersion, kind)}`);
  }
  checkDeclared(configuration, resource);
  const object = toPatched(configuration, context, { refuse: (why) => unfit(resource, why) });
  const applied = asSent(withMetadata(object, resource, context), configuration);
  if (applied.metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const name = applied.metadata.name ?? context.name;
  if (name !== context.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${context.name})`);
  }
  return applied;
}

/** An apply configuration says no more than its sender did: no namespace that only the path tells. */
function asSent(applied: KubeObject, body: JsonObject): KubeObject {
  const { namespace, ...metadata } = applied.metadata;
  const isSaid = stringAt(body["metadata"], "namespace") !== "";
  return { ...applied, metadata: isSaid && namespace !== undefined ? { ...metadata, namespace } : metadata };
}

/** `apps/v1, Kind=Deployment`, and `/v1, Kind=Pod`. */
function describeKind(apiVersion: string, kind: string): string {
  return `${apiVersion.includes("/") ? "" : "/"}${apiVersion}, Kind=${kind}`;
}

/** Throws for what does not fit the kind's schema: unlike other writes, an apply never drops a field. */
function checkDeclared(configuration: JsonObject, { schema, custom }: Resource): void {
  if (schema === undefined) return;
  const lines = [...untyped(configuration, schema, custom)];
  if (lines.length === 0) return;
  const what = lines.length === 1 ? (lines[0] ?? "") : `errors:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  const { namespace, name } = objectAt(configuration, "metadata");
  const kind = describeKind(stringAt(configuration, "apiVersion"), stringAt(configuration, "kind"));
  const id = `${textOf(namespace)}/${textOf(name)}; ${kind}`;
  throw new StatusError("Unknown", `failed to create typed patch object (${id}): ${what}`);
}
