/** What names, labels, annotations, finalizers and owners may look like. */
import { parseApiVersion, stringAt } from "../object.ts";
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
const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];
const QUALIFIED_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const PREFIX_RULE = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const QUALIFIED_NAME_RULE = `a qualified name ${QUALIFIED_RULE} ${PREFIX_RULE}`;
const LABEL_KEY_RULE = `a valid label key ${QUALIFIED_RULE} ${PREFIX_RULE}`;
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MAX_ANNOTATION_BYTES = 262_144;

export function validateMetadata(object: KubeObject, resource: Resource): StatusCause[] {
  const { metadata } = object;
  return [
    ...validateGenerateName(metadata.generateName, resource),
    ...validateName(metadata.name, resource),
    ...Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => [
      ...validateQualifiedName(key, "metadata.labels", LABEL_KEY_RULE),
      ...validateLabelValue(value),
    ]),
    ...validateAnnotations(metadata.annotations ?? {}),
    ...validateOwners(object),
    ...validateFinalizers(metadata.finalizers ?? [], resource),
  ];
}

function invalid(field: string, value: unknown, rule: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${rule}`, field };
}

function validateName(name: string, resource: Resource): StatusCause[] {
  return nameProblems(name, resource).map((problem) => invalid("metadata.name", name, problem));
}

/** A dash at its end is no fault: more will follow. */
function validateGenerateName(prefix: string | undefined, resource: Resource): StatusCause[] {
  if (prefix === undefined || prefix === "") return [];
  const masked = prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;
  return nameProblems(masked, resource).map((problem) => invalid("metadata.generateName", prefix, problem));
}

function nameProblems(name: string, resource: Resource): string[] {
  if (resource.group === "rbac.authorization.k8s.io") {
    if (name === "." || name === "..") return [`may not be '${name}'`];
    return ["/", "%"].filter((character) => name.includes(character)).map((found) => `may not contain '${found}'`);
  }
  if (resource.kind === "Namespace") {
    if (name.includes(".")) return ["must not contain dots"];
    return labelProblems(name);
  }
  return subdomainProblems(name);
}

export function labelProblems(name: string): string[] {
  if (name.length > 63) return ["must be no more than 63 characters"];
  return LABEL_PATTERN.test(name) ? [] : [LABEL_RULE];
}

export function subdomainProblems(name: string): string[] {
  if (name.length > 253) return ["must be no more than 253 characters"];
  return SUBDOMAIN_PATTERN.test(name) ? [] : [SUBDOMAIN_RULE];
}

function validateFinalizers(finalizers: readonly string[], resource: Resource): StatusCause[] {
  const isFree = resource.custom || resource.group === "apiextensions.k8s.io";
  const unqualified = finalizers.flatMap((finalizer, index) => {
    if (isFree || finalizer.includes("/") || STANDARD_FINALIZERS.includes(finalizer)) return [];
    const rule = "name is neither a standard finalizer name nor is it fully qualified";
    return [invalid(`metadata.finalizers[${index}]`, finalizer, rule)];
  });
  return [
    ...finalizers.flatMap((finalizer) => validateQualifiedName(finalizer, "metadata.finalizers")),
    ...unqualified,
  ];
}

/** What custom kinds may do, and better would not. */
export function finalizerWarnings({ metadata }: KubeObject, old: KubeObject | undefined): string[] {
  const before = old?.metadata.finalizers ?? [];
  return (metadata.finalizers ?? [])
    .filter((name) => !before.includes(name) && !name.includes("/") && !STANDARD_FINALIZERS.includes(name))
    .map(
      (name) =>
        `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers`,
    );
}

export function validateQualifiedName(text: string, field: string, rule = QUALIFIED_NAME_RULE): StatusCause[] {
  const parts = text.split("/");
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (parts.length > 2) return [invalid(field, text, rule)];
  if (prefix !== undefined && !SUBDOMAIN_PATTERN.test(prefix))
    return [invalid(field, text, `prefix part ${SUBDOMAIN_RULE}`)];
  if (name.length > 63) return [invalid(field, text, "name part must be no more than 63 bytes")];
  const empty = name === "" ? [invalid(field, text, "name part must be non-empty")] : [];
  return QUALIFIED_NAME.test(name) ? [] : [...empty, invalid(field, text, `name part ${QUALIFIED_RULE}`)];
}

export function validateLabelValue(value: string, field = "metadata.labels"): StatusCause[] {
  if (value.length > 63) return [invalid(field, value, "must be no more than 63 bytes")];
  return value === "" || QUALIFIED_NAME.test(value) ? [] : [invalid(field, value, LABEL_VALUE_RULE)];
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
  const causes = owners.flatMap((owner) => {
    const { kind } = owner;
    const apiVersion = stringAt(owner, "apiVersion");
    const { group, version } = parseApiVersion(apiVersion);
    const empty = (["kind", "name", "uid"] as const)
      .filter((field) => typeof owner[field] !== "string" || owner[field] === "")
      .map((field) => invalid(`metadata.ownerReferences.${field}`, owner[field] ?? "", "must not be empty"));
    return [
      ...(version === ""
        ? [invalid("metadata.ownerReferences.apiVersion", apiVersion, "version must not be empty")]
        : []),
      ...empty,
      ...(kind === "Event" && (group === "" || group === "events.k8s.io")
        ? [invalid("metadata.ownerReferences", owner, `${apiVersion}, Kind=${kind} is disallowed from being an owner`)]
        : []),
    ];
  });
  const [first, second] = owners.filter((owner) => owner.controller === true);
  if (first !== undefined && second !== undefined) {
    const both = [first, second].map(({ kind, name }) => `${kind}/${name}`).join(" and ");
    const rule = `Only one reference can have Controller set to true. Found "true" in references for ${both}`;
    causes.push(invalid("metadata.ownerReferences", owners, rule));
  }
  return causes;
}
