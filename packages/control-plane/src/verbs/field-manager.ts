/** Under which name a request's changes are remembered. */
import { toTime } from "../clock.ts";
import { trackUpdate } from "../apply/managed-fields.ts";
import type { Manager } from "../apply/managed-fields.ts";
import { typingOf } from "../apply/typing.ts";
import { toApiVersion } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Context } from "./context.ts";

export function managerOf(context: Context, operation: Manager["operation"]): Manager {
  const { resource, query, headers, subresource } = context;
  const agent = (headers.get("user-agent") ?? "").split("/")[0] ?? "";
  const name = query.get("fieldManager") ?? (agent === "" ? "unknown" : agent);
  return { name, operation, apiVersion: toApiVersion(resource.group, resource.version), subresource };
}

/** Writes into the object's metadata who owns what after this request. */
export function rememberManager(context: Context, old: KubeObject | undefined, object: KubeObject): void {
  const managedFields = trackUpdate({
    manager: managerOf(context, "Update"),
    old,
    next: object,
    typing: typingOf(context.resource),
    time: toTime(context.server.clock.now()),
  });
  setManagedFields(object, managedFields);
}

export function setManagedFields(
  object: KubeObject,
  managedFields: NonNullable<KubeObject["metadata"]["managedFields"]>,
): void {
  if (managedFields.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = managedFields;
}
