/** CustomResourceDefinitions: what makes one valid, and the resources it serves. */
import { compileRuleValidator } from "../cel/validate-rules.ts";
import { arrayAt, isEqual, isJsonObject, objectAt, objectsAt, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { checkSchema } from "../schema/check-schema.ts";
import { customColumns } from "../table/custom-columns.ts";
import { hasCondition } from "./definition-status.ts";
import type { Resource, Scale } from "./resource.ts";

export function validateDefinition(definition: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const causes: StatusCause[] = [];
  const group = stringAt(definition["spec"], "group");
  const plural = stringAt(objectAt(definition["spec"], "names"), "plural");
  const versions = versionsOf(definition);
  const wanted = `${plural}.${group}`;
  if (definition.metadata.name !== wanted) {
    causes.push({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(definition.metadata.name)}: must be spec.names.plural+"."+spec.group`,
      field: "metadata.name",
    });
  }
  for (const field of ["group", "scope", "versions", "names"]) {
    if (objectAt(definition, "spec")[field] === undefined) {
      causes.push({ reason: "FieldValueRequired", message: "Required value", field: `spec.${field}` });
    }
  }
  if (versions.filter((version) => version["storage"] === true).length !== 1) {
    causes.push({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(versions)}: must have exactly one version marked as storage version`,
      field: "spec.versions",
    });
  }
  causes.push(...validateColumns(versions), ...validateSchemas(versions));
  if (old !== undefined && !isEqual(objectAt(old, "spec")["scope"], objectAt(definition, "spec")["scope"])) {
    const value = JSON.stringify(objectAt(definition, "spec")["scope"]);
    causes.push({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${value}: field is immutable`,
      field: "spec.scope",
    });
  }
  return causes;
}

/** What all versions have in common the server keeps, and names, once. */
function isShared(versions: readonly JsonObject[], field: string): boolean {
  return versions.every((version) => isEqual(version[field], versions[0]?.[field]));
}

function validateColumns(versions: readonly JsonObject[]): StatusCause[] {
  const shared = isShared(versions, "additionalPrinterColumns");
  return (shared ? versions.slice(0, 1) : versions).flatMap((version, index) => {
    const path = `${shared ? "spec" : `spec.versions[${index}]`}.additionalPrinterColumns`;
    return arrayAt(version, "additionalPrinterColumns").flatMap((column, at): StatusCause[] => {
      const jsonPath = stringAt(column, "jsonPath");
      const field = `${path}[${at}].JSONPath`;
      if (jsonPath === "") return [{ reason: "FieldValueRequired", message: "Required value", field }];
      if (jsonPath.startsWith(".")) return [];
      const message = `Invalid value: ${JSON.stringify(jsonPath)}: must be a simple json path starting with .`;
      return [{ reason: "FieldValueInvalid", message, field }];
    });
  });
}

function validateSchemas(versions: readonly JsonObject[]): StatusCause[] {
  const missing = versions.flatMap((version, index) => {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    return schemaOf(version) === undefined ? [{ reason: "FieldValueRequired", message: "Required value", field }] : [];
  });
  if (missing.length > 0) return missing;
  const shared = isShared(versions, "schema");
  return (shared ? versions.slice(0, 1) : versions).flatMap((version, index) => {
    const schema = schemaOf(version);
    const path = shared ? "spec.validation.openAPIV3Schema" : `spec.versions[${index}].schema.openAPIV3Schema`;
    return schema === undefined ? [] : checkSchema(schema, path);
  });
}

/** Fills the names people leave out and the conversion strategy. */
export function defaultDefinition(definition: KubeObject): void {
  const spec = objectAt(definition, "spec");
  const names = objectAt(spec, "names");
  names["singular"] ??= stringAt(names, "kind").toLowerCase();
  names["listKind"] ??= `${stringAt(names, "kind")}List`;
  spec["conversion"] ??= { strategy: "None" };
}

/** None as long as its names are not accepted. */
export function toResources(definition: KubeObject): Resource[] {
  if (!hasCondition(definition, "Established")) return [];
  const spec = objectAt(definition, "spec");
  const group = stringAt(spec, "group");
  const names = objectAt(spec, "names");
  const isGoing = definition.metadata.deletionTimestamp !== undefined;
  const storage = stringAt(storageVersion(definition), "name");
  return versionsOf(definition)
    .filter((version) => version["served"] === true)
    .map((version) => {
      const subresources = objectAt(version, "subresources");
      const hasStatus = isJsonObject(subresources["status"]);
      const scale = isJsonObject(subresources["scale"]) ? (subresources["scale"] as Scale) : undefined;
      const schema = schemaOf(version);
      return {
        group,
        version: stringAt(version, "name"),
        kind: stringAt(names, "kind"),
        listKind: stringAt(names, "listKind") || `${stringAt(names, "kind")}List`,
        plural: stringAt(names, "plural"),
        singular: stringAt(names, "singular") || stringAt(names, "kind").toLowerCase(),
        shortNames: arrayAt(names, "shortNames").map(String),
        categories: arrayAt(names, "categories").map(String),
        namespaced: stringAt(spec, "scope") === "Namespaced",
        storage: definition.metadata.name,
        storageApiVersion: toApiVersion(group, storage),
        subresources: [...(hasStatus ? ["status"] : []), ...(scale === undefined ? [] : ["scale"])],
        ...(scale === undefined ? {} : { scale }),
        selectableFields: arrayAt(version, "selectableFields").map((field) =>
          stringAt(field, "jsonPath").replace(/^\./, ""),
        ),
        columns: customColumns(version),
        generation: "all",
        statusOnCreate: !hasStatus,
        custom: true,
        ...(version["deprecated"] === true
          ? {
              deprecationWarning:
                stringAt(version, "deprecationWarning") ||
                `${group}/${stringAt(version, "name")} ${stringAt(names, "kind")} is deprecated`,
            }
          : {}),
        ...(isGoing ? { isGoing } : {}),
        ...(schema === undefined ? {} : { schema, rules: lazy(() => compileRuleValidator(schema)) }),
        schemaRevision: Number(definition.metadata.resourceVersion),
      };
    });
}

/** Rules take a while to compile and many definitions are never written to. */
function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function versionsOf(definition: KubeObject): JsonObject[] {
  return objectsAt(objectAt(definition, "spec"), "versions");
}

function storageVersion(definition: KubeObject): JsonObject | undefined {
  return versionsOf(definition).find((version) => version["storage"] === true);
}

function schemaOf(version: JsonObject): JsonObject | undefined {
  const schema = objectAt(version, "schema")["openAPIV3Schema"];
  return isJsonObject(schema) ? schema : undefined;
}
