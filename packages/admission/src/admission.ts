/** What admission is asked, what it knows, and what it answers. Objects are raw: no schema has passed them yet. */
import { canonicalText } from "@machine-controller/api";
import type { AnyProviderDefinition } from "@machine-controller/provider";
import { createPatch, type Operation } from "./json-patch.ts";
import type { AllowsKubelet } from "./kubelet-version.ts";

export type Raw = Record<string, unknown>;

export type AdmissionRequest = {
  /** CREATE or UPDATE; anything else is let through. */
  operation: string;
  object: Raw;
  /** The object as it is stored; absent on CREATE. */
  oldObject?: Raw | undefined;
  /** Name of whoever asks. */
  user: string;
};

export type AdmissionContext = {
  /** By their name in `cloudProvider`. */
  providers: ReadonlyMap<string, AnyProviderDefinition>;
  allowsKubelet: AllowsKubelet;
  /** Noted on every new Machine, as is `externalCloudProvider`, for whoever makes its user data. */
  kubeletFeatureGates: Readonly<Record<string, boolean>>;
  externalCloudProvider: boolean;
  /** Who may use the annotation that lets one change of a Machine's spec pass; everybody when absent. */
  mayBypassImmutability?: ((user: string) => boolean) | undefined;
};

export type Verdict = {
  allowed: boolean;
  /** Every reason for a refusal: path, value, remedy. Empty when allowed. */
  message: string;
  /** RFC 6902, against the object as it was sent. */
  patch: Operation[];
  /** Shown to the user whether or not the object is allowed. */
  warnings: string[];
};

export const ALLOWED: Verdict = { allowed: true, message: "", patch: [], warnings: [] };

/** The verdict on `before`, which defaulting has made `after` of. */
export function judge(
  { before, after }: { before: Raw; after: Raw },
  problems: readonly string[],
  warnings: readonly string[] = [],
): Verdict {
  const allowed = problems.length === 0;
  return {
    allowed,
    message: [...new Set(problems)].join("; "),
    patch: allowed ? createPatch(before, after) : [],
    warnings: [...warnings],
  };
}

export const isObject = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const sameMeaning = (a: unknown, b: unknown): boolean => canonicalText(a) === canonicalText(b);

export const isDeleting = ({ metadata }: Raw): boolean => isObject(metadata) && metadata["deletionTimestamp"] != null;

/** The object at a path, made where it is missing, null or something else. */
export function objectAt(root: Raw, ...path: string[]): Raw {
  let node = root;
  for (const step of path) {
    const next = node[step];
    node = isObject(next) ? next : (node[step] = {});
  }
  return node;
}
