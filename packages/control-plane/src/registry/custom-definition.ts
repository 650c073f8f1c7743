/** CustomResourceDefinitions: what makes one valid, its status, and the resources it serves. */
import { arrayAt, isEqual, isJsonObject, objectAt, stringAt, toApiVersion } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { checkSchema } from "../schema/check-schema.ts";
import { customColumns } from "../table/custom-columns.ts";
import { readJsonPath } from "../table/json-path.ts";
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
  for (const [index, version] of versions.entries())
    causes.push(...validateVersion(version, `spec.versions[${index}]`));
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

function validateVersion(version: JsonObject, path: string): StatusCause[] {
  const field = `${path}.schema.openAPIV3Schema`;
  const schema = schemaOf(version);
  if (schema === undefined) {
    return [{ reason: "FieldValueRequired", message: "Required value: schemas are required", field }];
  }
  const columns = arrayAt(version, "additionalPrinterColumns").flatMap((column, index) => {
    const jsonPath = stringAt(column, "jsonPath");
    if (jsonPath !== "" && readJsonPath(jsonPath) !== undefined) return [];
    const message = `Invalid value: ${JSON.stringify(jsonPath)}: must be a simple JSON path`;
    return [{ reason: "FieldValueInvalid", message, field: `${path}.additionalPrinterColumns[${index}].jsonPath` }];
  });
  return [...checkSchema(schema, field), ...columns];
}

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** Fills the names people leave out, the conversion strategy and the finalizer. */
export function defaultDefinition(definition: KubeObject): void {
  const spec = objectAt(definition, "spec");
  const names = objectAt(spec, "names");
  names["singular"] ??= stringAt(names, "kind").toLowerCase();
  names["listKind"] ??= `${stringAt(names, "kind")}List`;
  spec["conversion"] ??= { strategy: "None" };
  const { metadata } = definition;
  const finalizers = metadata.finalizers ?? [];
  if (metadata.deletionTimestamp === undefined && !finalizers.includes(CLEANUP_FINALIZER)) {
    metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
  }
}

/** The status of a definition that is served: names accepted, established, stored versions remembered. */
export function establish(definition: KubeObject, time: string): void {
  const before = objectAt(definition, "status");
  const storedVersions = arrayAt(before, "storedVersions").filter((version) => typeof version === "string");
  const storage = stringAt(storageVersion(definition), "name");
  if (storage !== "" && !storedVersions.includes(storage)) storedVersions.push(storage);
  const kept = arrayAt(before, "conditions").filter(isJsonObject);
  const condition = (type: string, reason: string, message: string): JsonObject =>
    kept.find((existing) => existing["type"] === type && existing["status"] === "True") ?? {
      type,
      status: "True",
      lastTransitionTime: time,
      reason,
      message,
    };
  definition["status"] = {
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: objectAt(objectAt(definition, "spec"), "names"),
    storedVersions,
  };
}

export function toResources(definition: KubeObject): Resource[] {
  const spec = objectAt(definition, "spec");
  const group = stringAt(spec, "group");
  const names = objectAt(spec, "names");
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
        ...(schema === undefined ? {} : { schema }),
        schemaRevision: Number(definition.metadata.resourceVersion),
      };
    });
}

function versionsOf(definition: KubeObject): JsonObject[] {
  return arrayAt(objectAt(definition, "spec"), "versions").filter(isJsonObject);
}

function storageVersion(definition: KubeObject): JsonObject | undefined {
  return versionsOf(definition).find((version) => version["storage"] === true);
}

function schemaOf(version: JsonObject): JsonObject | undefined {
  const schema = objectAt(version, "schema")["openAPIV3Schema"];
  return isJsonObject(schema) ? schema : undefined;
}
