/**
 * What is remembered of a Machine's instance, as annotations on the Machine: the Go implementation rewrites typed
 * objects and would drop status fields that it does not know, annotations survive it.
 */
import type { Machine } from "./machine.ts";
import { ANNOTATION_CREATE_INTENT, ANNOTATION_INSTANCE } from "./well-known.ts";

/** Written before the first mutating cloud call: from now on an instance may exist. */
export type CreateIntent = {
  /** Idempotency token: the Machine's UID, with the attempt appended from the second on. */
  token: string;
  /** 1 for the first instance of the Machine, one more for each replacement of an instance confirmed gone. */
  attempt: number;
  /** RFC 3339 time of the intent. */
  at: string;
  provider: string;
  /** What the cloud says the credential belongs to, or a fingerprint of the credential where it cannot say. */
  account: string;
};

/** Written right after create answered: this instance exists or existed. */
export type InstanceRecord = {
  /** Provider-native ID. */
  id: string;
  provider: string;
  account: string;
  attempt: number;
  /** RFC 3339 time at which the instance was recorded. */
  at: string;
  /** IDs of dependants that deletion must clean up after, by kind; the provider's own journal. */
  resources?: Record<string, string>;
  /** RFC 3339 time by which the cloud had said that it is deleting the instance; written where that takes a while. */
  deletedAt?: string;
};

export const intentOf = (machine: Machine): CreateIntent | undefined =>
  parseRecord<CreateIntent>(machine, ANNOTATION_CREATE_INTENT, "token");

export const recordOf = (machine: Machine): InstanceRecord | undefined =>
  parseRecord<InstanceRecord>(machine, ANNOTATION_INSTANCE, "id");

/**
 * A record somebody damaged must stop the machine, not look absent: absence would allow a second instance.
 * @throws Error naming the Machine and the annotation.
 */
function parseRecord<T>(machine: Machine, annotation: string, key: keyof T & string): T | undefined {
  const text = machine.metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw damaged(machine, annotation, cause);
  }
  if (!isComplete(parsed, key)) throw damaged(machine, annotation);
  return parsed as T;
}

/** Times and attempts count too: the join time-out and the next attempt follow from them. */
function isComplete(parsed: unknown, key: string): boolean {
  if (typeof parsed !== "object" || parsed === null) return false;
  const record = parsed as Record<string, unknown>;
  const texts = [key, "provider", "account", "at"].every(
    (name) => typeof record[name] === "string" && record[name] !== "",
  );
  return texts && Number.isFinite(Date.parse(String(record["at"]))) && Number.isInteger(record["attempt"]);
}

function damaged(machine: Machine, annotation: string, cause?: unknown): Error {
  return new Error(
    `metadata.annotations[${annotation}] of Machine ${machine.metadata.namespace}/${machine.metadata.name} is not a record ` +
      `this controller wrote; restore it, or set the annotation machine-controller/abandon and remove the instance by hand`,
    { cause },
  );
}
