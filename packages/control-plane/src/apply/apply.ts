/** Server-side apply: merges what a manager applies, drops what it no longer applies, and finds conflicts. */
import { isEqual } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { StatusError } from "../status-error.ts";
import { changedFields, mergeApplied, withoutFields } from "./field-values.ts";
import { difference, EMPTY, intersection, isEmpty, pathsOf, toFieldsV1, union } from "./field-set.ts";
import { isSame, readEntries, trackedFields, writeEntries } from "./managed-fields.ts";
import type { ManagedEntry, Manager } from "./managed-fields.ts";
import type { Typing } from "./typing.ts";

export type ApplyOptions = {
  live: KubeObject;
  applied: KubeObject;
  manager: Manager;
  typing: Typing;
  force: boolean;
  time: string;
};

/** Returns the merged object and its managedFields. Throws Conflict, with a cause for each field others hold. */
export function applyObject(options: ApplyOptions): { object: KubeObject; managedFields: JsonObject[] } {
  const { live, applied, manager, typing, force, time } = options;
  const entries = readEntries(live);
  const own = entries.find((entry) => isSame(entry, manager));
  const others = entries.filter((entry) => entry !== own);
  const fields = trackedFields(applied, typing);
  const merged = mergeApplied(live, applied, typing) as KubeObject;
  const changed = intersection(changedFields(live, merged, typing), fields);
  const conflicts = others
    .map((entry) => ({ entry, fields: intersection(entry.fields, changed) }))
    .filter((conflict) => !isEmpty(conflict.fields));
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  const kept = others.map((entry) => ({ ...entry, fields: difference(entry.fields, changed) }));
  const held = kept.reduce((sum, entry) => union(sum, entry.fields), EMPTY);
  const dropped = difference(difference(own?.fields ?? EMPTY, fields), held);
  const object = (withoutFields(merged, dropped, typing) ?? {}) as KubeObject;
  const isUnchanged = own !== undefined && isEqual(toFieldsV1(own.fields), toFieldsV1(fields));
  const next: ManagedEntry = { ...manager, time: isUnchanged ? own.time : time, fields };
  return { object, managedFields: writeEntries([...kept, next]) };
}

function conflictError(conflicts: { entry: ManagedEntry; fields: ManagedEntry["fields"] }[]): StatusError {
  const causes = conflicts.flatMap(({ entry, fields }) =>
    pathsOf(fields).map((field) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${describe(entry)}`,
      field,
    })),
  );
  const lines = conflicts.map(({ entry, fields }) => {
    const paths = pathsOf(fields);
    return paths.length === 1
      ? `conflict with ${describe(entry)}: ${paths[0] ?? ""}`
      : `conflicts with ${describe(entry)}:\n${paths.map((path) => `- ${path}`).join("\n")}`;
  });
  const count = `${causes.length} conflict${causes.length === 1 ? "" : "s"}`;
  return new StatusError("Conflict", `Apply failed with ${count}: ${lines.join("\n")}`, { details: { causes } });
}

function describe({ name, subresource, operation, apiVersion }: ManagedEntry): string {
  const through = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${through}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}
