/** The fields a provider's `cloudProviderSpec` is declared with: each is a schema and knows how to resolve itself. */
import { Type, type TObject, type TSchema } from "typebox";
import type { ConfigVarBool, ConfigVarResolver, ConfigVarString } from "./config-var.ts";
import { TerminalError } from "./errors.ts";

export type FieldOptions = {
  /** One sentence for the docs, the CRD and the example manifest. */
  description: string;
  /** Environment variable of the controller that is used where the manifest gives nothing. */
  env?: string;
  /** A value for the example manifest. */
  example?: unknown;
  /** Never printed; the example manifest keeps it in a Secret. */
  secret?: boolean;
  /** Where an empty value is an error. */
  required?: boolean;
};

/** A setting of a cloud: its schema in the manifest, and how it becomes the plain value `T` that a provider sees. */
export type Field<T = unknown> = {
  readonly kind: "string" | "boolean" | "integer" | "strings" | "labels";
  readonly schema: TSchema;
  readonly options: FieldOptions & { default?: T };
  resolve(raw: unknown, context: { path: string; resolver: ConfigVarResolver; signal: AbortSignal }): Promise<T>;
};
export type Fields = Readonly<Record<string, Field>>;
export type Resolved<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

const KeyReference = Type.Object({
  namespace: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  key: Type.Optional(Type.String()),
});
const configVarSchema = <T extends TSchema>(value: T, scalars: TSchema[]) =>
  Type.Union([
    ...scalars,
    Type.Object({
      value: Type.Optional(value),
      secretKeyRef: Type.Optional(KeyReference),
      configMapKeyRef: Type.Optional(KeyReference),
    }),
  ]);
const ConfigVarStringSchema = configVarSchema(Type.String(), [Type.String(), Type.Number(), Type.Boolean()]);
const ConfigVarBoolSchema = configVarSchema(Type.Boolean(), [Type.Boolean()]);

/** Text: a literal, a secretKeyRef or a configMapKeyRef. `""` when unset. */
export function stringField(options: FieldOptions & { default?: string }): Field<string> {
  return {
    kind: "string",
    schema: described(ConfigVarStringSchema, options),
    options,
    async resolve(raw, { path, resolver, signal }) {
      const value = await resolver.string(raw as ConfigVarString | undefined, { path, env: options.env, signal });
      if (value === "" && options.required) throw missing(path, raw, options);
      return value || (options.default ?? "");
    },
  };
}

/** true or false, or a reference to a text that says so. */
export function booleanField(options: FieldOptions & { default: boolean }): Field<boolean> {
  return {
    kind: "boolean",
    schema: described(ConfigVarBoolSchema, options),
    options,
    async resolve(raw, { path, resolver, signal }) {
      const value = await resolver.bool(raw as ConfigVarBool | undefined, { path, env: options.env, signal });
      return value ?? options.default;
    },
  };
}

/** A plain whole number. */
export function integerField(options: FieldOptions & { default?: number }): Field<number | undefined> {
  return {
    kind: "integer",
    schema: described(Type.Integer(), options),
    options,
    resolve: async (raw) => (raw as number | undefined) ?? options.default,
  };
}

/** A list of texts, each a literal or a reference. */
export function stringsField(options: FieldOptions): Field<readonly string[]> {
  return {
    kind: "strings",
    schema: described(Type.Array(ConfigVarStringSchema), options),
    options,
    async resolve(raw, { path, resolver, signal }) {
      const items = (raw ?? []) as ConfigVarString[];
      return Promise.all(items.map((item, index) => resolver.string(item, { path: `${path}[${index}]`, signal })));
    },
  };
}

/** A map of plain texts. */
export function labelsField(options: FieldOptions): Field<Readonly<Record<string, string>>> {
  return {
    kind: "labels",
    schema: described(Type.Record(Type.String(), Type.String()), options),
    options,
    resolve: async (raw) => (raw ?? {}) as Readonly<Record<string, string>>,
  };
}

/** The schema of a whole `cloudProviderSpec`: unknown fields are errors. */
export function configSchema(fields: Fields): TObject {
  let schema = schemas.get(fields);
  if (schema === undefined) {
    const properties = Object.entries(fields).map(([name, field]) => [name, Type.Optional(field.schema)] as const);
    schema = Type.Object(Object.fromEntries(properties), { additionalProperties: false });
    schemas.set(fields, schema);
  }
  return schema;
}

const schemas = new WeakMap<Fields, TObject>();

/** Plain values of all fields. @throws ProviderError naming the path of the field that cannot be resolved. */
export async function resolveFields<F extends Fields>(
  fields: F,
  raw: Readonly<Record<string, unknown>>,
  context: { path: string; resolver: ConfigVarResolver; signal: AbortSignal },
): Promise<Resolved<F>> {
  const entries = Object.entries(fields).map(async ([name, field]) => [
    name,
    await field.resolve(raw[name], { ...context, path: `${context.path}.${name}` }),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Resolved<F>;
}

const described = <T extends TSchema>(schema: T, options: FieldOptions): T => ({
  ...schema,
  description: options.description,
});

function missing(path: string, raw: unknown, options: FieldOptions): TerminalError {
  const partial = typeof raw === "object" && raw !== null && ("secretKeyRef" in raw || "configMapKeyRef" in raw);
  const remedy = partial
    ? "its reference needs namespace, name and key, and the value there must not be empty"
    : "give a literal, a secretKeyRef or a configMapKeyRef";
  const env = options.env ? `, or set the environment variable ${options.env} of the controller` : "";
  return new TerminalError("InvalidConfiguration", `${path}: must be set: ${remedy}${env}`);
}
