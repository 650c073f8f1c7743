/** The status of a CustomResourceDefinition: which names it may have, whether it is served, and that it is going. */
import { arrayAt, isJsonObject, objectAt, objectsAt, stringAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";

/** Holds a definition that is being deleted until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** `others`: definitions as they are stored; those of another group do not matter. */
export function establish(definition: KubeObject, options: { time: string; others: readonly KubeObject[] }): void {
  const { time, others } = options;
  const before = objectAt(definition, "status");
  const names = objectAt(objectAt(definition, "spec"), "names");
  const { accepted, conflict } = acceptNames(names, {
    taken: others.filter((other) => isRival(other, definition)).map((other) => acceptedNames(other)),
    current: objectAt(before, "acceptedNames"),
  });
  const kept = objectsAt(before, "conditions");
  const condition = (type: string, [status, reason, message]: [string, string, string]): JsonObject => {
    const existing = kept.find((old) => old["type"] === type);
    return existing?.["status"] === status && existing["reason"] === reason
      ? existing
      : { type, status, lastTransitionTime: time, reason, message };
  };
  const wasEstablished = kept.some(({ type, status }) => type === "Established" && status === "True");
  definition["status"] = {
    conditions: [
      condition("NamesAccepted", conflict ?? ["True", "NoConflicts", "no conflicts found"]),
      condition(
        "Established",
        conflict === undefined || wasEstablished
          ? ["True", "InitialNamesAccepted", "the initial names have been accepted"]
          : ["False", "NotAccepted", "not all names are accepted"],
      ),
      ...kept.filter(({ type }) => type !== "NamesAccepted" && type !== "Established"),
    ],
    acceptedNames: accepted,
    storedVersions: storedVersions(definition, before),
  };
}

/** A definition's first delete: the finalizer that waits for its objects, and a condition that says so. */
export function markTerminating(definition: KubeObject, time: string): void {
  const { metadata } = definition;
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
  setTerminating(definition, "pending", time);
}

const TERMINATING = {
  pending: {
    status: "True",
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  },
  inProgress: {
    status: "True",
    reason: "InstanceDeletionInProgress",
    message: "CustomResource deletion is in progress",
  },
  completed: { status: "False", reason: "InstanceDeletionCompleted", message: "removed all instances" },
};

/** How far the deletion of its objects is. */
export function setTerminating(definition: KubeObject, progress: keyof typeof TERMINATING, time: string): void {
  const status = objectAt(definition, "status");
  const conditions = arrayAt(status, "conditions");
  const before = conditions.find((condition) => stringAt(condition, "type") === "Terminating");
  const now = TERMINATING[progress];
  const since = stringAt(before, "status") === now.status ? stringAt(before, "lastTransitionTime") : time;
  const terminating = { type: "Terminating", lastTransitionTime: since, ...now };
  definition["status"] = { ...status, conditions: [...conditions.filter((other) => other !== before), terminating] };
}

export function hasCondition(definition: KubeObject, type: string): boolean {
  return arrayAt(objectAt(definition, "status"), "conditions").some(
    (condition) => isJsonObject(condition) && condition["type"] === type && condition["status"] === "True",
  );
}

function isRival(other: KubeObject, definition: KubeObject): boolean {
  const groupOf = ({ spec }: KubeObject): string => stringAt(spec, "group");
  return other.metadata.name !== definition.metadata.name && groupOf(other) === groupOf(definition);
}

function acceptedNames(definition: KubeObject): JsonObject {
  return objectAt(objectAt(definition, "status"), "acceptedNames");
}

/** Each name is taken on its own; of several conflicts the last one is told. */
function acceptNames(
  names: JsonObject,
  options: { taken: JsonObject[]; current: JsonObject },
): { accepted: JsonObject; conflict?: [string, string, string] } {
  const { taken, current } = options;
  const resources = new Set(
    taken.flatMap((other) => [other["plural"], other["singular"], ...arrayAt(other, "shortNames")]),
  );
  const kinds = new Set(taken.flatMap((other) => [other["kind"], other["listKind"]]));
  const accepted: JsonObject = {};
  let conflict: [string, string, string] | undefined;
  for (const [field, inUse] of [
    ["plural", resources],
    ["singular", resources],
    ["shortNames", resources],
    ["kind", kinds],
    ["listKind", kinds],
  ] as const) {
    const wanted = names[field];
    if (wanted === undefined) continue;
    const clash = (Array.isArray(wanted) ? wanted : [wanted]).find((name) => inUse.has(name));
    if (clash === undefined) accepted[field] = wanted;
    else {
      if (current[field] !== undefined) accepted[field] = current[field];
      const reason = `${field.charAt(0).toUpperCase()}${field.slice(1)}Conflict`;
      conflict = ["False", reason, `${JSON.stringify(clash)} is already in use`];
    }
  }
  accepted["kind"] ??= "";
  if (names["categories"] !== undefined) accepted["categories"] = names["categories"];
  return conflict === undefined ? { accepted } : { accepted, conflict };
}

function storedVersions(definition: KubeObject, status: JsonObject): unknown[] {
  const stored = arrayAt(status, "storedVersions").filter((version) => typeof version === "string");
  const storage = arrayAt(objectAt(definition, "spec"), "versions").find(
    (version) => isJsonObject(version) && version["storage"] === true,
  );
  const name = stringAt(storage, "name");
  return name === "" || stored.includes(name) ? stored : [...stored, name];
}
