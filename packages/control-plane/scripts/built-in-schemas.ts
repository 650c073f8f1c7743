// Reduces the OpenAPI v3 documents of a real kube-apiserver to facts about the fields of the built-in kinds:
// `node packages/control-plane/scripts/built-in-schemas.ts FOLDER`, where FOLDER holds the answers to
// `/openapi/v3/api/v1` and `/openapi/v3/apis/<group>/<version>` of the groups that are served, as `*.json`.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT_IN_RESOURCES } from "../src/registry/built-in-kinds.ts";
import { schemaName, shortName } from "../src/schema/schema-names.ts";

type Schema = {
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema;
  allOf?: Schema[];
  $ref?: string;
  enum?: string[];
  default?: unknown;
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-patch-strategy"?: string;
};

const OUTPUT = join(import.meta.dirname, "../src/schema/built-in-schemas.generated.ts");
const HEADER = `// Fields of the built-in kinds, as a real API server describes them: names, types, how lists and maps merge.
// Made by scripts/built-in-schemas.ts; src/schema/built-in-schemas.ts says how to read it.
`;
/** Schemas that stand for one value. */
const VALUES: Record<string, string> = {
  "meta/v1.Time": "date-time",
  "meta/v1.MicroTime": "micro-time",
  "meta/v1.FieldsV1": "any",
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
  "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
  "apiextensions/v1.JSON": "any",
  "apiextensions/v1.JSONSchemaPropsOrArray": "any",
  "apiextensions/v1.JSONSchemaPropsOrBool": "any",
  "apiextensions/v1.JSONSchemaPropsOrStringArray": "any",
};
/** Times and lists that are written as null where there are none, which no document says. */
const LASTING = [
  "autoscaling/v2.HorizontalPodAutoscalerStatus.currentMetrics",
  "discovery/v1.EndpointSlice.endpoints",
  "discovery/v1.EndpointSlice.ports",
  "rbac/v1.ClusterRole.rules",
  "rbac/v1.Role.rules",
  "storage/v1.CSINodeDriver.topologyKeys",
];
const LASTING_TIMES = [
  "deprecatedFirstTimestamp",
  "deprecatedLastTimestamp",
  "eventTime",
  "evictionTime",
  "finishedAt",
  "firstTimestamp",
  "lastHeartbeatTime",
  "lastObservedTime",
  "lastProbeTime",
  "lastTimestamp",
  "lastTransitionTime",
  "lastUpdateTime",
  "startedAt",
];
/** What requests carry beside the kinds that are served. */
const MORE_ROOTS = ["autoscaling/v1.Scale", "policy/v1.Eviction", "authentication/v1.TokenRequest"];

const files = globSync(join(process.argv[2] ?? ".", "*.json"));
if (files.length === 0) throw new Error("no OpenAPI document in the folder");
const known = new Map<string, Schema>();
for (const file of files) {
  const { components } = JSON.parse(readFileSync(file, "utf8")) as { components: { schemas: Record<string, Schema> } };
  for (const [name, schema] of Object.entries(components.schemas)) known.set(shortName(name), schema);
}
const lines = new Map<string, string>();
for (const root of [...BUILT_IN_RESOURCES.map((resource) => shortName(schemaName(resource))), ...MORE_ROOTS])
  reach(root);
const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
const body = sorted.map(([name, text]) => `  ${JSON.stringify(name)}:\n    ${JSON.stringify(text)},\n`).join("");
writeFileSync(OUTPUT, `${HEADER}export const SCHEMAS: Readonly<Record<string, string>> = {\n${body}};\n`);
console.log(`${lines.size} schemas`);

function reach(name: string): void {
  if (lines.has(name)) return;
  const schema = known.get(name);
  if (schema === undefined) throw new Error(`no document has ${name}`);
  lines.set(name, "");
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties ?? {}).map(([field, property]) => {
    const isRequired = required.includes(field);
    const isLasting = LASTING_TIMES.includes(field) || LASTING.includes(`${name}.${field}`);
    const text = isOmitted(field, isRequired) ? format({ ...property, default: undefined }) : format(property);
    return `${field}${isRequired ? "!" : ""} ${text}${isLasting ? " ~null" : ""}`;
  });
  lines.set(name, [...(schema["x-kubernetes-map-type"] === "atomic" ? ["*"] : []), ...fields].join("; "));
}

/** Left out where it is nothing, though the document has a default. */
function isOmitted(field: string, isRequired: boolean): boolean {
  return !isRequired && ["minReadySeconds", "name", "replicas"].includes(field);
}

function format(schema: Schema): string {
  const strategy = schema["x-kubernetes-patch-strategy"];
  const key = schema["x-kubernetes-patch-merge-key"];
  const merge = strategy === undefined ? "" : ` @${strategy}${key === undefined ? "" : `:${key}`}`;
  const isStruct = schema.allOf !== undefined && isEmptyObject(schema.default);
  return `${isStruct && !isValue(schema) ? "=" : ""}${typeOf(schema)}${merge}${formatDefault(schema.default)}`;
}

function isValue(schema: Schema): boolean {
  return Object.values(VALUES).includes(typeOf(schema));
}

function formatDefault(value: unknown): string {
  return value === undefined || isEmptyObject(value) ? "" : ` ~${JSON.stringify(value)}`;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function typeOf(schema: Schema): string {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref !== undefined) {
    const name = shortName(ref.replace("#/components/schemas/", ""));
    const value = VALUES[name];
    if (value !== undefined) return value;
    reach(name);
    return name;
  }
  if (schema.type === "array") {
    const items = schema.items === undefined ? "any" : typeOf(schema.items);
    const keys = schema["x-kubernetes-list-map-keys"] ?? [];
    const type = schema["x-kubernetes-list-type"];
    return `[${type === "map" ? keys.join("+") : type === "set" ? "=" : type === "atomic" ? "*" : ""}]${items}`;
  }
  if (schema.type === "object") {
    const values = schema.additionalProperties;
    return values === undefined
      ? "any"
      : `{${schema["x-kubernetes-map-type"] === "atomic" ? "*" : ""}}${typeOf(values)}`;
  }
  const choices = schema.enum === undefined ? "" : `(${schema.enum.join("|")})`;
  return `${schema.format ?? schema.type ?? "any"}${choices}`;
}
