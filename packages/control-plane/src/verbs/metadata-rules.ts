/** What names, labels, annotations, finalizers and owners may look like. */
import type { KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import type { StatusCause } from "../status-error.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const SUBDOMAIN_PATTERN = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_PATTERN = new RegExp(`^${LABEL}$`);
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MAX_ANNOTATION_BYTES = 262_144;

export function validateMetadata(object: KubeObject, resource: Resource): StatusCause[] {
  const { metadata } = object;
  return [
    ...validateName(metadata.name, resource),
    ...Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => [
      ...validateQualifiedName(key, "metadata.labels"),
      ...validateLabelValue(value),
    ]),
    ...validateAnnotations(metadata.annotations ?? {}),
    ...(metadata.finalizers ?? []).flatMap((finalizer) => validateQualifiedName(finalizer, "metadata.finalizers")),
    ...validateOwners(object),
  ];
}

function invalid(field: string, value: unknown, rule: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${rule}`, field };
}

function validateName(name: string, resource: Resource): StatusCause[] {
  if (resource.group === "rbac.authorization.k8s.io") {
    const bad = name === "." || name === ".." || /[/%]/.test(name);
    return bad ? [invalid("metadata.name", name, "may not contain '/' or '%'")] : [];
  }
  if (resource.kind === "Namespace") {
    if (name.length > 63) return [invalid("metadata.name", name, "must be no more than 63 characters")];
    return LABEL_PATTERN.test(name) ? [] : [invalid("metadata.name", name, LABEL_RULE)];
  }
  if (name.length > 253) return [invalid("metadata.name", name, "must be no more than 253 characters")];
  return SUBDOMAIN_PATTERN.test(name) ? [] : [invalid("metadata.name", name, SUBDOMAIN_RULE)];
}

function validateQualifiedName(text: string, field: string): StatusCause[] {
  const parts = text.split("/");
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (parts.length > 2)
    return [invalid(field, text, `a qualified name must consist of one optional prefix and a name`)];
  if (prefix !== undefined && !SUBDOMAIN_PATTERN.test(prefix))
    return [invalid(field, text, `prefix part ${SUBDOMAIN_RULE}`)];
  if (name.length > 63) return [invalid(field, text, "name part must be no more than 63 characters")];
  return QUALIFIED_NAME.test(name) ? [] : [invalid(field, text, QUALIFIED_RULE)];
}

function validateLabelValue(value: string): StatusCause[] {
  if (value.length > 63) return [invalid("metadata.labels", value, "must be no more than 63 characters")];
  return value === "" || QUALIFIED_NAME.test(value) ? [] : [invalid("metadata.labels", value, LABEL_VALUE_RULE)];
}

function validateAnnotations(annotations: Record<string, string>): StatusCause[] {
  const causes = Object.keys(annotations).flatMap((key) =>
    validateQualifiedName(key.toLowerCase(), "metadata.annotations"),
  );
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + key.length + Buffer.byteLength(value),
    0,
  );
  if (bytes > MAX_ANNOTATION_BYTES) {
    const message = `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes`;
    causes.push({ reason: "FieldValueTooLong", message, field: "metadata.annotations" });
  }
  return causes;
}

function validateOwners(object: KubeObject): StatusCause[] {
  const owners = object.metadata.ownerReferences ?? [];
  const causes = owners.flatMap((owner, index) =>
    (["apiVersion", "kind", "name", "uid"] as const)
      .filter((field) => typeof owner[field] !== "string" || owner[field] === "")
      .map((field) => invalid(`metadata.ownerReferences[${index}].${field}`, owner[field] ?? "", "must not be empty")),
  );
  if (owners.filter((owner) => owner.controller === true).length > 1) {
    const rule = "Only one reference can have Controller set to true";
    causes.push(invalid("metadata.ownerReferences", owners, rule));
  }
  return causes;
}
