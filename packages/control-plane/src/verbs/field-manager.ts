/** Under which name a request's changes are remembered. */
import { toTime } from "../clock.ts";
import { trackUpdate } from "../apply/managed-fields.ts";
import type { Manager } from "../apply/managed-fields.ts";
import { typingOf } from "../apply/typing.ts";
import { stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { emptyObject } from "../schema/go-encoding.ts";
import type { Context } from "./context.ts";

export function managerOf(context: Context, operation: Manager["operation"]): Manager {
  const { resource, query, headers, subresource } = context;
  const agent = (headers.get("user-agent") ?? "").split("/")[0] ?? "";
  const name = query.get("fieldManager") ?? (agent === "" ? "unknown" : agent);
  return { name, operation, apiVersion: toApiVersion(resource.group, resource.version), subresource };
}

/** Who owns what once this request has made `next` of `old`. What admission then adds belongs to nobody. */
export function managersAfter(context: Context, old: KubeObject | undefined, next: KubeObject): JsonObject[] {
  if (isReset(next)) return [];
  const { resource } = context;
  const [before, after] = old === undefined ? [nothingOf(resource), ownable(context, next)] : [old, next];
  return trackUpdate({
    manager: managerOf(context, "Update"),
    old: before,
    next: after,
    typing: typingOf(resource),
    time: toTime(context.server.clock.now()),
  });
}

function nothingOf({ custom, schema = {} }: Resource): JsonObject {
  return custom ? { metadata: {} } : emptyObject(schema);
}

/** What of the object a request may own: the status belongs to those who write that, and to them nothing else. */
export function ownable({ resource, subresource }: Context, object: KubeObject): KubeObject {
  if (subresource === "status") {
    const { spec: _spec, metadata, ...rest } = object;
    return { ...rest, metadata: resource.custom ? { name: metadata.name } : metadata } as KubeObject;
  }
  if (subresource !== "" || !resource.subresources.includes("status")) return object;
  const { status: _status, ...rest } = object;
  return rest;
}

/** One empty entry is how a client has the server forget who owns what. */
function isReset({ metadata: { managedFields } }: KubeObject): boolean {
  return managedFields?.length === 1 && Object.keys(managedFields[0] ?? {}).length === 0;
}

export function setManagedFields(
  object: KubeObject,
  managedFields: NonNullable<KubeObject["metadata"]["managedFields"]>,
): void {
  if (managedFields.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = managedFields.toSorted(compareEntries);
}

/** Those that apply first, then by age. */
function compareEntries(a: JsonObject, b: JsonObject): number {
  for (const field of ["operation", "time", "manager", "apiVersion", "subresource"]) {
    const [left, right] = [stringAt(a, field), stringAt(b, field)];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
