/** What a CertificateSigningRequest may ask, and what may be answered to it. */
import { X509Certificate } from "node:crypto";
import { arrayAt, objectsAt, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { StatusCause } from "../status-error.ts";
import { labelProblems, subdomainProblems } from "../verbs/metadata-rules.ts";
import { duplicateValue, invalidValue, requiredValue, unsupportedValue } from "./rule-causes.ts";

const MIN_SECONDS = 600;
export const VERDICTS = ["Approved", "Denied"];
/** Conditions that are there for good, and true. */
const LASTING = [...VERDICTS, "Failed"];
const USAGES = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

export function certificateRequestRules(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  // What was asked never changes.
  return old === undefined ? specProblems(object) : statusProblems(object, old);
}

function specProblems({ spec }: KubeObject): StatusCause[] {
  const request = valueAt(spec, "request");
  const usages = arrayAt(spec, "usages").map(String);
  const seconds = valueAt(spec, "expirationSeconds");
  const isRequest = pemBlocks(stringAt(spec, "request"))[0]?.type === "CERTIFICATE REQUEST";
  return [
    ...(isRequest ? [] : [invalidValue("spec.request", request ?? null, "PEM block type must be CERTIFICATE REQUEST")]),
    ...(usages.length === 0 ? [requiredValue("spec.usages")] : []),
    ...usages.flatMap((usage, index) =>
      USAGES.includes(usage) ? [] : [unsupportedValue(`spec.usages[${index}]`, usage, USAGES)],
    ),
    ...usages.flatMap((usage, index) =>
      usages.indexOf(usage) === index ? [] : [duplicateValue(`spec.usages[${index}]`, JSON.stringify(usage))],
    ),
    ...signerProblems(stringAt(spec, "signerName")),
    ...(typeof seconds === "number" && seconds < MIN_SECONDS
      ? [
          invalidValue(
            "spec.expirationSeconds",
            seconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
          ),
        ]
      : []),
  ];
}

function signerProblems(name: string): StatusCause[] {
  const field = "spec.signerName";
  if (name === "") return [requiredValue(field)];
  if (name === "kubernetes.io/legacy-unknown")
    return [invalidValue(field, name, "the legacy signerName is not allowed via this API version")];
  const [domain = "", path = "", ...more] = name.split("/");
  if (!name.includes("/") || more.length > 0) {
    const form = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [invalidValue(field, name, form)];
  }
  const firstProblems = (text: string, problemsOf: (part: string) => string[]): StatusCause[] => {
    const broken = text.split(".").find((part) => problemsOf(part).length > 0);
    if (broken === undefined) return [];
    return problemsOf(broken).map((why) =>
      invalidValue(field, text, `validating label ${JSON.stringify(broken)}: ${why}`),
    );
  };
  return [
    ...firstProblems(domain, labelProblems),
    ...(domain.includes(".")
      ? []
      : [invalidValue(field, domain, "should be a domain with at least two segments separated by dots")]),
    ...firstProblems(path, subdomainProblems),
  ];
}

function statusProblems(object: KubeObject, old: KubeObject): StatusCause[] {
  const given = stringAt(old["status"], "certificate");
  const certificate = stringAt(object["status"], "certificate");
  const isChanged = certificate !== given;
  const why = isChanged && certificate !== "" ? certificateProblem(certificate) : undefined;
  return [
    ...conditionProblems(object),
    ...(why === undefined ? [] : [invalidValue("status.certificate", "<certificate data>", why)]),
    ...LASTING.filter((type) => conditionTypes(object, type).length < conditionTypes(old, type).length).map((type) =>
      forbiddenCondition(`updates may not remove a condition of type ${JSON.stringify(type)}`),
    ),
    ...(isChanged && given !== ""
      ? [
          {
            reason: "FieldValueForbidden",
            message: "Forbidden: updates may not modify existing certificate content",
            field: "status.certificate",
          },
        ]
      : []),
  ];
}

/** Only who approves may say that a request is approved or denied. */
export function verdictProblems(object: KubeObject, old: KubeObject): StatusCause[] {
  return VERDICTS.filter((type) => conditionTypes(object, type).length > conditionTypes(old, type).length).map((type) =>
    forbiddenCondition(`updates may not add a condition of type ${JSON.stringify(type)}`),
  );
}

function conditionProblems({ status }: KubeObject): StatusCause[] {
  const conditions = objectsAt(status, "conditions");
  const types = conditions.map((condition) => stringAt(condition, "type"));
  return conditions.flatMap((condition, index) => {
    const field = `status.conditions[${index}]`;
    const type = types[index] ?? "";
    const earlier = types.slice(0, index);
    const value = stringAt(condition, "status");
    const supported = LASTING.includes(type) ? ["True"] : ["False", "True", "Unknown"];
    const opposite = VERDICTS.includes(type) && VERDICTS.some((other) => other !== type && earlier.includes(other));
    return [
      ...(type === "" ? [requiredValue(`${field}.type`)] : []),
      ...(value === ""
        ? [requiredValue(`${field}.status`)]
        : supported.includes(value)
          ? []
          : [unsupportedValue(`${field}.status`, value, supported)]),
      ...(opposite
        ? [invalidValue("status.conditions", type, "Approved and Denied conditions are mutually exclusive")]
        : []),
      ...(earlier.includes(type) ? [duplicateValue(`${field}.type`, JSON.stringify(type))] : []),
    ];
  });
}

function conditionTypes({ status }: KubeObject, type: string): unknown[] {
  return objectsAt(status, "conditions").filter((condition) => condition["type"] === type);
}

function forbiddenCondition(why: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field: "status.conditions" };
}

function certificateProblem(base64: string): string | undefined {
  const blocks = pemBlocks(base64);
  const other = blocks.find(({ type }) => type !== "CERTIFICATE");
  if (other !== undefined) return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other.type)}`;
  if (blocks.length === 0) return "must contain at least one CERTIFICATE PEM block";
  try {
    for (const { text } of blocks) void new X509Certificate(text);
    return undefined;
  } catch {
    return "x509: malformed certificate";
  }
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\s]*?-----END \1-----/g;

function pemBlocks(base64: string): { type: string; text: string }[] {
  const text = Buffer.from(base64, "base64").toString("latin1");
  return Array.from(text.matchAll(PEM_BLOCK), ([block, type = ""]) => ({ type, text: block }));
}
