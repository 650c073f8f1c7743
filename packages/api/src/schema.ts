/**
 * The dialect of TypeBox that the API types are written in, and its translation to a CRD's structural schema.
 * One value gives the TypeScript type, validation and the schema that the API server enforces.
 */
import { Type, type TSchema, type TUnsafe } from "typebox";

/** JSON Schema as Kubernetes accepts it in `openAPIV3Schema` (apiextensions.k8s.io/v1, "structural"). */
export type StructuralSchema = {
  type?: string;
  format?: string;
  description?: string;
  nullable?: boolean;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  minLength?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
};

/** A number or a string such as `"25%"`. */
export const IntOrString = (options: { description?: string } = {}): TUnsafe<number | string> =>
  Type.Unsafe<number | string>({
    anyOf: [{ type: "integer" }, { type: "string" }],
    ...options,
    "x-kubernetes-int-or-string": true,
  });

/** Any JSON object, kept as it is. */
export const AnyObject = (options: { description?: string } = {}): TUnsafe<Record<string, unknown>> =>
  Type.Unsafe<Record<string, unknown>>({ type: "object", ...options });

export const int32 = (options: Record<string, unknown> = {}) => Type.Integer({ format: "int32", ...options });
export const text = (description: string) => Type.Optional(Type.String({ description }));
export const timestamp = (options: Record<string, unknown> = {}) => Type.String({ format: "date-time", ...options });

/**
 * The structural schema of a type. Objects keep unknown fields and optional fields may be `null`, as the CRDs installed
 * today (whose schema is only `x-kubernetes-preserve-unknown-fields`) and Go's encoder, which writes `null` for empty
 * lists and times, both require.
 */
export function toStructuralSchema(schema: TSchema): StructuralSchema {
  const source = schema as unknown as Record<string, unknown>;
  const structural: StructuralSchema = {};
  for (const key of ["format", "description", "default", "minimum", "minLength"] as const) {
    if (source[key] !== undefined) (structural as Record<string, unknown>)[key] = source[key];
  }
  if (source["x-kubernetes-int-or-string"] === true) {
    return { ...structural, "x-kubernetes-int-or-string": true };
  }
  const literals = literalsOf(source);
  if (literals !== undefined) return { ...structural, type: "string", enum: literals };
  if (typeof source["type"] === "string") structural.type = source["type"];
  if (source["items"] !== undefined) structural.items = toStructuralSchema(source["items"] as TSchema);
  if (structural.type !== "object") return structural;

  const values = Object.values((source["patternProperties"] ?? {}) as Record<string, TSchema>)[0];
  if (values !== undefined) return { ...structural, additionalProperties: toStructuralSchema(values) };
  const required = (source["required"] ?? []) as string[];
  if (required.length > 0) structural.required = required;
  if (source["properties"] !== undefined) {
    structural.properties = Object.fromEntries(
      Object.entries(source["properties"] as Record<string, TSchema>).map(([name, property]) => [
        name,
        required.includes(name) ? toStructuralSchema(property) : { ...toStructuralSchema(property), nullable: true },
      ]),
    );
  }
  return { ...structural, "x-kubernetes-preserve-unknown-fields": true };
}

/** The strings of a union of literals; undefined when the schema is something else. */
export function literalsOf(schema: object): string[] | undefined {
  const { anyOf, enum: values } = schema as { anyOf?: { const?: unknown }[]; enum?: unknown[] };
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  const literals = anyOf?.map((member) => member.const);
  return literals?.every((literal) => typeof literal === "string") ? literals : undefined;
}
