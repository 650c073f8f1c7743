/** What makes an object of a built-in kind invalid, for the rules clients meet in practice. */
import { isEqual, objectAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { validateDefinition } from "./custom-definition.ts";

type Rule = (object: KubeObject, old: KubeObject | undefined) => StatusCause[];

export const builtInRules: Record<string, Rule> = {
  Secret: (object, old) => [
    ...base64Values(object),
    ...immutable({ object, old, path: "type" }),
    ...immutableData(object, old),
  ],
  ConfigMap: immutableData,
  Pod: (object) => required(object, "spec.containers"),
  Deployment: (object) => required(object, "spec.selector"),
  DaemonSet: (object) => required(object, "spec.selector"),
  ReplicaSet: (object) => required(object, "spec.selector"),
  CertificateSigningRequest: (object, old) => [
    ...required(object, "spec.signerName"),
    ...required(object, "spec.request"),
    ...required(object, "spec.usages"),
    ...immutable({ object, old, path: "spec" }),
  ],
  RoleBinding: (object, old) => immutable({ object, old, path: "roleRef" }),
  ClusterRoleBinding: (object, old) => immutable({ object, old, path: "roleRef" }),
  Lease: (object) => {
    const seconds = valueAt(object, "spec.leaseDurationSeconds");
    return typeof seconds === "number" && seconds <= 0
      ? [invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
      : [];
  },
  CustomResourceDefinition: validateDefinition,
};

function invalidValue(field: string, value: unknown, why: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

function required(object: KubeObject, path: string): StatusCause[] {
  const value = valueAt(object, path);
  const missing = value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  return missing ? [{ reason: "FieldValueRequired", message: "Required value", field: path }] : [];
}

function immutable(options: { object: KubeObject; old: KubeObject | undefined; path: string }): StatusCause[] {
  const { object, old, path } = options;
  if (old === undefined) return [];
  const value = valueAt(object, path);
  return isEqual(value, valueAt(old, path)) ? [] : [invalidValue(path, value, "field is immutable")];
}

function immutableData(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  if (old?.["immutable"] !== true) return [];
  const forbidden = { reason: "FieldValueForbidden", message: "Forbidden: field is immutable when `immutable` is set" };
  return ["data", "binaryData", "immutable"]
    .filter((field) => !isEqual(object[field], old[field]))
    .map((field) => ({ ...forbidden, field }));
}

function base64Values(object: KubeObject): StatusCause[] {
  const tooLong = Object.values(objectAt(object, "data")).some((value) => String(value).length > 1_400_000);
  return tooLong
    ? [{ reason: "FieldValueTooLong", message: "Too long: must have at most 1048576 bytes", field: "data" }]
    : [];
}
