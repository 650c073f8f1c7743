/** What the server knows of one kind in one version. Built-in kinds and custom ones have the same form. */
import type { RuleValidator } from "../cel/validate-rules.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";

export type Column = {
  name: string;
  type: string;
  format?: string;
  description?: string;
  /** Above 0: only in wide output. */
  priority?: number;
  /** `now` is in milliseconds. */
  cell(object: KubeObject, now: number): unknown;
};

export type Scale = { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };

export type Resource = {
  group: string;
  version: string;
  kind: string;
  listKind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** Where objects are kept; several served forms of one kind share it. */
  storage: string;
  /** apiVersion under which objects are kept, when it is not the served one. */
  storageApiVersion: string;
  /** `status`, `scale`, `token`, … */
  subresources: readonly string[];
  scale?: Scale;
  /** Field selectors beyond `metadata.name` and `metadata.namespace`: name → the value, or a dotted path of the same name. */
  selectableFields: readonly string[];
  columns: readonly Column[];
  /** What a row of a Table says of its object as a whole. */
  rowConditions?(object: KubeObject): JsonObject[];
  /** Generation rises on `spec` changes, on those and annotations, on any change but metadata and status, or is not kept at all. */
  generation: "spec" | "spec-and-annotations" | "all" | "none";
  /** A create may carry a status (Node, and kinds without a status subresource). */
  statusOnCreate: boolean;
  custom: boolean;
  /** Said in a Warning header to whoever uses this version. */
  deprecationWarning?: string;
  /** Its definition is being deleted: nothing new is created. */
  isGoing?: boolean;
  /** OpenAPI v3 schema of the kind. Custom kinds are held to all of it, built-in ones to its fields and types. */
  schema?: JsonObject;
  /** Holds an object against the CEL rules of `schema`; `undefined` when it has none. */
  rules?(): RuleValidator | undefined;
  /** Objects older than this revision were stored under an earlier schema. */
  schemaRevision?: number;
  /** A review: answered, never stored. */
  review?: boolean;
  /** What only a new object of a built-in kind gets, in place. */
  prepareCreate?(object: KubeObject): void;
  /** What a changed one gets, in place. */
  prepareUpdate?(object: KubeObject): void;
  /** Fills defaults of a built-in kind in place. */
  applyDefaults?(object: KubeObject): void;
  /** What is wrong with a new or changed object, beyond its schema. */
  validate?(object: KubeObject, old: KubeObject | undefined): StatusCause[];
};

export const STANDARD_VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const;
