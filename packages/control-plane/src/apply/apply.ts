/** Server-side apply: merges what a manager applies, drops what it no longer applies, and finds conflicts. */
import { isEqual, isJsonObject } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { StatusError } from "../status-error.ts";
import { changedFields, mergeApplied, withoutFields } from "./field-values.ts";
import { difference, EMPTY, intersection, isEmpty, pathsOf, toFieldsV1, union, withChildren } from "./field-set.ts";
import { isSame, readEntries, trackedFields, writeEntries } from "./managed-fields.ts";
import type { FieldSet } from "./field-set.ts";
import type { ManagedEntry, Manager } from "./managed-fields.ts";
import type { Typing } from "./typing.ts";

export type ApplyOptions = {
  live: KubeObject;
  applied: KubeObject;
  /** Those of the configuration as it was sent. */
  fields: FieldSet;
  manager: Manager;
  typing: Typing;
  force: boolean;
  time: string;
};

/** Returns the merged object and its managedFields. Throws Conflict, with a cause for each field others hold. */
export function applyObject(options: ApplyOptions): { object: KubeObject; managedFields: JsonObject[] } {
  const { live, applied, fields, manager, typing, force, time } = options;
  const entries = readEntries(live);
  const own = entries.find((entry) => isSame(entry, manager));
  const others = entries.filter((entry) => entry !== own);
  const merged = mergeApplied(live, applied, typing) as KubeObject;
  const changed = intersection(changedFields(live, merged, typing), fields);
  const conflicts = others
    .map((entry) => ({ entry, fields: intersection(entry.fields, changed) }))
    .filter((conflict) => !isEmpty(conflict.fields));
  const applies = kubectlApplied(live, manager, typing);
  const isTakeover = conflicts.every((conflict) => isEmpty(difference(conflict.fields, applies)));
  if (conflicts.length > 0 && !force && !isTakeover) throw conflictError(conflicts);
  const kept = others.map((entry) => ({ ...entry, fields: difference(entry.fields, changed) }));
  const held = kept.reduce((sum, entry) => union(sum, entry.fields), EMPTY);
  const dropped = withoutParents(difference(difference(own?.fields ?? EMPTY, fields), held), union(fields, held));
  const object = withLastApplied((withoutFields(merged, dropped, typing) ?? {}) as KubeObject, applied, manager);
  const isUnchanged = own !== undefined && isEqual(toFieldsV1(own.fields), toFieldsV1(fields));
  const next: ManagedEntry = { ...manager, time: isUnchanged ? own.time : time, fields };
  return { object, managedFields: writeEntries([...kept, next]) };
}

/** What is dropped as such stays as long as anybody has a field in it. */
function withoutParents(dropped: FieldSet, kept: FieldSet): FieldSet {
  return withChildren(
    dropped.isMember && kept.children.size === 0,
    [...dropped.children].map(([key, child]) => [key, withoutParents(child, kept.children.get(key) ?? EMPTY)] as const),
  );
}

const KUBECTL = "kubectl";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** What kubectl last applied on its own side, and nobody changed since, is its to apply on the server's side. */
function kubectlApplied(live: KubeObject, { name }: Manager, typing: Typing): FieldSet {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (name !== KUBECTL || text === undefined) return EMPTY;
  try {
    const last: unknown = JSON.parse(text);
    return isJsonObject(last) ? difference(trackedFields(last, typing), changedFields(last, live, typing)) : EMPTY;
  } catch {
    return EMPTY;
  }
}

/** Keeps the annotation true that client-side apply goes by, so that one may go back to that. */
function withLastApplied(object: KubeObject, applied: KubeObject, { name }: Manager): KubeObject {
  if (name !== KUBECTL || object.metadata.annotations?.[LAST_APPLIED] === undefined) return object;
  const { managedFields: _managed, annotations = {}, ...metadata } = applied.metadata;
  const { [LAST_APPLIED]: _last, ...others } = annotations;
  const hasOthers = Object.keys(others).length > 0;
  const kept = { ...applied, metadata: { ...metadata, ...(hasOthers ? { annotations: others } : {}) } };
  const text = `${JSON.stringify(sorted(kept))}\n`;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [LAST_APPLIED]: text } },
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
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
