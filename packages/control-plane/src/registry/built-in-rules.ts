/** What makes an object of a built-in kind invalid, for the rules clients meet in practice. */
import { arrayAt, isEqual, objectAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { matchesSelectorObject } from "../selectors/label-selector.ts";
import type { Labels } from "../selectors/label-selector.ts";
import type { StatusCause } from "../status-error.ts";
import { subdomainProblems, validateLabelValue, validateQualifiedName } from "../verbs/metadata-rules.ts";
import { certificateRequestRules } from "./certificate-request-rules.ts";
import { validateDefinition } from "./custom-definition.ts";
import { eventRules } from "./event-rules.ts";
import { podChangeRules, podSpecRules } from "./pod-rules.ts";
import { duplicateValue, invalidValue, requiredValue, unsupportedValue } from "./rule-causes.ts";
import { serviceRules } from "./service-rules.ts";

type Rule = (object: KubeObject, old: KubeObject | undefined) => StatusCause[];

export const builtInRules: Record<string, Rule> = {
  Namespace: (object, old) => [...phaseProblems(object, old), ...finalizerProblems(object)],
  Secret: (object, old) => [
    ...base64Values(object),
    ...immutable({ object, old, path: "type" }),
    ...immutableData(object, old),
  ],
  ConfigMap: (object, old) => [...configKeys(object), ...immutableData(object, old)],
  Pod: (object, old) => (old === undefined ? podSpecRules(objectAt(object, "spec")) : podChangeRules(object, old)),
  Service: serviceRules,
  Node: nodeRules,
  Deployment: selectorRules,
  DaemonSet: selectorRules,
  ReplicaSet: selectorRules,
  StatefulSet: selectorRules,
  Role: (object) => roleRules(object, { isNamespaced: true }),
  ClusterRole: (object) => roleRules(object, { isNamespaced: false }),
  CertificateSigningRequest: certificateRequestRules,
  RoleBinding: (object, old) => immutable({ object, old, path: "roleRef", why: "cannot change roleRef" }),
  ClusterRoleBinding: (object, old) => immutable({ object, old, path: "roleRef", why: "cannot change roleRef" }),
  Lease: (object) => {
    const seconds = valueAt(object, "spec.leaseDurationSeconds");
    return typeof seconds === "number" && seconds <= 0
      ? [invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
      : [];
  },
  PodDisruptionBudget: budgetRules,
  Event: eventRules,
  EndpointSlice: sliceRules,
  PersistentVolumeClaim: (object) => [
    ...required(object, "spec.accessModes", "at least 1 access mode is required"),
    ...(valueAt(object, "spec.resources.requests.storage") === undefined
      ? [requiredValue("spec.resources[storage]")]
      : []),
  ],
  StorageClass: (object) => required(object, "provisioner"),
  VolumeAttachment: attachmentRules,
  ControllerRevision: (object) => required(object, "data", "data is mandatory"),
  Job: (object) =>
    valueAt(object, "spec.template.spec.restartPolicy") === "Always"
      ? [requiredValue("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')]
      : [],
  CustomResourceDefinition: validateDefinition,
};

function phaseProblems(namespace: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const phase = stringAt(namespace["status"], "phase");
  if (old === undefined) return [];
  const isGoing = namespace.metadata.deletionTimestamp !== undefined;
  if (isGoing === (phase === "Terminating")) return [];
  const [wanted, when] = isGoing ? ["Terminating", "is not empty"] : ["Active", "is empty"];
  return [invalidValue("status.Phase", phase, `may only be '${wanted}' if \`deletionTimestamp\` ${when}`)];
}

function finalizerProblems(namespace: KubeObject): StatusCause[] {
  return arrayAt(namespace["spec"], "finalizers").flatMap((finalizer, index) => {
    const field = `spec.finalizers[${index}]`;
    const name = textOf(finalizer);
    const isKnown = name.includes("/") || name === "kubernetes";
    const unqualified = "name is neither a standard finalizer name nor is it fully qualified";
    return [...validateQualifiedName(name, field), ...(isKnown ? [] : [invalidValue(field, name, unqualified)])];
  });
}

const PERCENT_RULE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const EVICTION_POLICIES = ["AlwaysAllow", "IfHealthyBudget"];
const SELECTOR_OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];

function budgetRules({ spec }: KubeObject): StatusCause[] {
  const {
    minAvailable,
    maxUnavailable,
    selector,
    unhealthyPodEvictionPolicy: policy = null,
  } = objectAt({ spec }, "spec");
  const causes = Object.entries({ minAvailable, maxUnavailable }).flatMap(([field, value]) =>
    value === undefined ? [] : amountProblems(`spec.${field}`, value),
  );
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    // The server shows its own form of the spec here.
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: policy,
    };
    causes.unshift(invalidValue("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
  }
  if (policy !== null && !EVICTION_POLICIES.includes(policy as string)) {
    causes.push(unsupportedValue("spec.unhealthyPodEvictionPolicy", policy, EVICTION_POLICIES));
  }
  for (const [index, expression] of arrayAt(selector, "matchExpressions").entries()) {
    const operator = stringAt(expression, "operator");
    if (SELECTOR_OPERATORS.includes(operator)) continue;
    const field = `spec.selector.matchExpressions[${index}].operator`;
    causes.push(invalidValue(field, operator, "not a valid selector operator"));
  }
  return causes;
}

/** A count, or a part in percent. */
function amountProblems(field: string, value: unknown): StatusCause[] {
  if (typeof value === "number")
    return value < 0 ? [invalidValue(field, value, "must be greater than or equal to 0")] : [];
  if (!/^[0-9]+%$/.test(String(value))) return [invalidValue(field, value, PERCENT_RULE)];
  return Number.parseInt(String(value), 10) > 100 ? [invalidValue(field, value, "must not be greater than 100%")] : [];
}

function required(object: KubeObject, path: string, why = ""): StatusCause[] {
  const value = valueAt(object, path);
  const missing = value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  return missing ? [requiredValue(path, why)] : [];
}

function immutable(options: {
  object: KubeObject;
  old: KubeObject | undefined;
  path: string;
  why?: string;
}): StatusCause[] {
  const { object, old, path, why = "field is immutable" } = options;
  if (old === undefined) return [];
  const value = valueAt(object, path);
  return isEqual(value, valueAt(old, path)) ? [] : [invalidValue(path, value, why)];
}

function immutableData(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  if (old?.["immutable"] !== true) return [];
  const forbidden = { reason: "FieldValueForbidden", message: "Forbidden: field is immutable when `immutable` is set" };
  return ["immutable", "data", "binaryData"]
    .filter((field) => !isEqual(object[field], old[field]))
    .map((field) => ({ ...forbidden, field }));
}

function selectorRules(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  return [
    ...required(object, "spec.selector"),
    ...templateLabels(object),
    ...podSpecRules(objectAt(objectAt(objectAt(object, "spec"), "template"), "spec"), "spec.template.spec"),
    ...immutable({ object, old, path: "spec.selector" }),
  ];
}

function templateLabels(object: KubeObject): StatusCause[] {
  const path = "spec.template.metadata.labels";
  const labels = valueAt(object, path);
  const selector = valueAt(object, "spec.selector");
  if (selector !== undefined && matchesSelectorObject(selector, (labels ?? {}) as Labels)) return [];
  return [invalidValue(path, labels ?? null, "`selector` does not match template `labels`")];
}

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const CONFIG_KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function configKeys(object: KubeObject): StatusCause[] {
  return ["data", "binaryData"].flatMap((field) =>
    Object.keys(objectAt(object, field))
      .filter((key) => !CONFIG_KEY.test(key))
      .map((key) => invalidValue(`${field}[${key}]`, key, CONFIG_KEY_RULE)),
  );
}

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];

function sliceRules(slice: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const type = stringAt(slice, "addressType");
  const typeProblems =
    type === ""
      ? [requiredValue("addressType")]
      : ADDRESS_TYPES.includes(type)
        ? []
        : [unsupportedValue("addressType", type, ADDRESS_TYPES)];
  const empty = arrayAt(slice, "endpoints").flatMap((endpoint, index) =>
    arrayAt(endpoint, "addresses").length > 0
      ? []
      : [requiredValue(`endpoints[${index}].addresses`, "must contain at least 1 address")],
  );
  return [...typeProblems, ...empty, ...immutable({ object: slice, old, path: "addressType" })];
}

function attachmentRules(attachment: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const { inlineVolumeSpec, persistentVolumeName } = objectAt(objectAt(attachment, "spec"), "source");
  const isClear = (inlineVolumeSpec === undefined) !== (persistentVolumeName === undefined);
  const which = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  const nodeName = stringAt(attachment["spec"], "nodeName");
  return [
    ...required(attachment, "spec.attacher"),
    ...(isClear ? [] : [requiredValue("spec.source", which)]),
    ...subdomainProblems(nodeName).map((why) => invalidValue("spec.nodeName", nodeName, why)),
    ...immutable({ object: attachment, old, path: "spec" }),
  ];
}

const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function nodeRules(node: KubeObject, old: KubeObject | undefined): StatusCause[] {
  return [...taintProblems(node), ...(old === undefined ? [] : nodeChanges(node, old)), ...addressProblems(node)];
}

function taintProblems(node: KubeObject): StatusCause[] {
  const seen = new Set<string>();
  return objectsAt(node["spec"], "taints").flatMap((taint, index): StatusCause[] => {
    const field = `metadata.taints[${index}]`;
    const { key = "", value = "", effect = "", timeAdded = null } = taint;
    const causes = [
      ...validateQualifiedName(textOf(key), `${field}.key`),
      ...validateLabelValue(textOf(value), `${field}.value`),
    ];
    if (effect === "") causes.push(requiredValue(`${field}.effect`));
    else if (!TAINT_EFFECTS.includes(textOf(effect))) {
      causes.push(unsupportedValue(`${field}.effect`, effect, TAINT_EFFECTS));
    }
    const identity = `${textOf(key)}:${textOf(effect)}`;
    if (seen.has(identity)) {
      // The server shows its own form of the taint here.
      const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
      causes.push(duplicateValue(field, shown, "taints must be unique by key and effect pair"));
    }
    seen.add(identity);
    return causes;
  });
}

/** What says where a node is, once said, stays. */
function nodeChanges(node: KubeObject, old: KubeObject): StatusCause[] {
  const [before, next] = [objectAt(old, "spec"), objectAt(node, "spec")];
  const fixed = { podCIDRs: "podCIDR", providerID: "providerID" };
  return Object.entries(fixed).flatMap(([field, named]) => {
    const was = before[field];
    if (was === undefined || was === "" || isEqual(was, next[field])) return [];
    const message = `Forbidden: node updates may not change ${named} except from "" to valid`;
    return [{ reason: "FieldValueForbidden", message, field: `spec.${field}` }];
  });
}

function addressProblems(node: KubeObject): StatusCause[] {
  const addresses = objectsAt(node["status"], "addresses");
  return addresses.flatMap((address, index) => {
    if (addresses.findIndex((other) => isEqual(other, address)) === index) return [];
    const shown = JSON.stringify({ Type: address["type"], Address: address["address"] });
    return [duplicateValue(`status.addresses[${index}]`, shown)];
  });
}

function roleRules(role: KubeObject, { isNamespaced }: { isNamespaced: boolean }): StatusCause[] {
  return arrayAt(role, "rules").flatMap((rule, index): StatusCause[] => {
    const at = (field: string): string => `rules[${index}].${field}`;
    const missing = (field: string, message: string): StatusCause[] =>
      arrayAt(rule, field).length > 0 ? [] : [requiredValue(at(field), message)];
    const causes = missing("verbs", "verbs must contain at least one value");
    const paths = arrayAt(rule, "nonResourceURLs");
    if (paths.length > 0) {
      const why = "namespaced rules cannot apply to non-resource URLs";
      return isNamespaced ? [...causes, invalidValue(at("nonResourceURLs"), paths, why)] : causes;
    }
    return [
      ...causes,
      ...missing("apiGroups", "resource rules must supply at least one api group"),
      ...missing("resources", "resource rules must supply at least one resource"),
    ];
  });
}

function base64Values(object: KubeObject): StatusCause[] {
  const tooLong = Object.values(objectAt(object, "data")).some((value) => String(value).length > 1_400_000);
  return tooLong
    ? [{ reason: "FieldValueTooLong", message: "Too long: must have at most 1048576 bytes", field: "data" }]
    : [];
}
