/** What makes a pod invalid, alone or in a template, and what of it may change. */
import { arrayAt, isEqual, objectAt, objectsAt, stringAt, textOf } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { parseQuantity } from "../quantity.ts";
import type { StatusCause } from "../status-error.ts";
import { labelProblems, subdomainProblems, validateQualifiedName } from "../verbs/metadata-rules.ts";
import { duplicateValue, invalidValue, portProblems, requiredValue, unsupportedValue } from "./rule-causes.ts";

const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const OPERATORS = ["Equal", "Exists"];
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const MAX_INT32 = 2 ** 31 - 1;

export function podSpecRules(spec: JsonObject, at = "spec"): StatusCause[] {
  const containers = objectsAt(spec, "containers");
  const volumes = objectsAt(spec, "volumes").map((volume) => stringAt(volume, "name"));
  const isUsed = new Set<string>();
  const check = (field: string): StatusCause[] =>
    objectsAt(spec, field).flatMap((container, index) => {
      const place = `${at}.${field}[${index}]`;
      return [...nameProblems(container, isUsed, place), ...containerProblems(container, { at: place, volumes })];
    });
  return [
    ...volumeNameProblems(volumes, `${at}.volumes`),
    ...(containers.length === 0 ? [requiredValue(`${at}.containers`)] : check("containers")),
    ...check("initContainers"),
    ...oneOf(spec, "restartPolicy", { at, supported: RESTART_POLICIES }),
    ...oneOf(spec, "dnsPolicy", { at, supported: DNS_POLICIES }),
    ...Object.keys(objectAt(spec, "nodeSelector")).flatMap((key) => validateQualifiedName(key, `${at}.nodeSelector`)),
    ...textProblems(spec, "nodeName", { at, problems: subdomainProblems }),
    ...deadlineProblems(spec["activeDeadlineSeconds"], `${at}.activeDeadlineSeconds`),
    ...textProblems(spec, "hostname", { at, problems: labelProblems }),
    ...objectsAt(spec, "tolerations").flatMap((one, index) => tolerationProblems(one, `${at}.tolerations[${index}]`)),
  ];
}

function volumeNameProblems(names: readonly string[], at: string): StatusCause[] {
  return names.flatMap((name, index) => {
    const field = `${at}[${index}].name`;
    if (name === "") return [requiredValue(field)];
    if (names.indexOf(name) < index) return [duplicateValue(field, JSON.stringify(name))];
    return labelProblems(name).map((why) => invalidValue(field, name, why));
  });
}

function nameProblems(container: JsonObject, isUsed: Set<string>, at: string): StatusCause[] {
  const name = stringAt(container, "name");
  const field = `${at}.name`;
  if (name === "") return [requiredValue(field)];
  if (isUsed.has(name)) return [duplicateValue(field, JSON.stringify(name))];
  isUsed.add(name);
  return labelProblems(name).map((why) => invalidValue(field, name, why));
}

function containerProblems(container: JsonObject, options: { at: string; volumes: readonly string[] }): StatusCause[] {
  const { at, volumes } = options;
  const image = stringAt(container, "image");
  const isPadded = image !== image.trim();
  return [
    ...(image === "" ? [requiredValue(`${at}.image`)] : []),
    ...(isPadded ? [invalidValue(`${at}.image`, image, "must not have leading or trailing whitespace")] : []),
    ...objectsAt(container, "ports").flatMap((port, index) => [
      ...portProblems(port["containerPort"], `${at}.ports[${index}].containerPort`),
      ...oneOf(port, "protocol", { at: `${at}.ports[${index}]`, supported: PROTOCOLS }),
    ]),
    ...objectsAt(container, "env").flatMap((variable, index) => variableProblems(variable, `${at}.env[${index}]`)),
    ...objectsAt(container, "volumeMounts").flatMap((mount, index): StatusCause[] => {
      const [name, field] = [stringAt(mount, "name"), `${at}.volumeMounts[${index}]`];
      return [
        ...(volumes.includes(name)
          ? []
          : [{ reason: "FieldValueNotFound", message: `Not found: ${JSON.stringify(name)}`, field: `${field}.name` }]),
        ...(stringAt(mount, "mountPath") === "" ? [requiredValue(`${field}.mountPath`)] : []),
      ];
    }),
    ...oneOf(container, "imagePullPolicy", { at, supported: PULL_POLICIES }),
    ...resourceProblems(objectAt(container, "resources"), `${at}.resources`),
  ];
}

function variableProblems(variable: JsonObject, at: string): StatusCause[] {
  const name = stringAt(variable, "name");
  const rule = "a valid environment variable name must consist only of printable ASCII characters other than '='";
  const isBoth = stringAt(variable, "value") !== "" && variable["valueFrom"] !== undefined;
  return [
    ...(name === "" ? [requiredValue(`${at}.name`)] : []),
    ...(/[^\x20-\x7e]|=/.test(name) ? [invalidValue(`${at}.name`, name, rule)] : []),
    ...(isBoth ? [invalidValue(`${at}.valueFrom`, "", "may not be specified when `value` is not empty")] : []),
  ];
}

function resourceProblems(resources: JsonObject, at: string): StatusCause[] {
  const { limits, requests } = { limits: objectAt(resources, "limits"), requests: objectAt(resources, "requests") };
  const negative = Object.entries({ limits, requests }).flatMap(([field, amounts]) =>
    Object.entries(amounts).flatMap(([name, value]) =>
      amountOf(value) < 0n
        ? [invalidValue(`${at}.${field}[${name}]`, value, "must be greater than or equal to 0")]
        : [],
    ),
  );
  const excessive = Object.entries(requests).flatMap(([name, value]) => {
    const limit = limits[name];
    if (limit === undefined || amountOf(value) <= amountOf(limit)) return [];
    return [invalidValue(`${at}.requests`, value, `must be less than or equal to ${name} limit of ${textOf(limit)}`)];
  });
  return [...negative, ...excessive];
}

function amountOf(quantity: unknown): bigint {
  return parseQuantity(textOf(quantity))?.nanos ?? 0n;
}

function tolerationProblems(toleration: JsonObject, at: string): StatusCause[] {
  const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
  const causes = key === "" ? [] : validateQualifiedName(String(key), `${at}.key`);
  if (key === "" && operator !== "Exists") {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    causes.push(invalidValue(`${at}.operator`, operator, why));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    causes.push(invalidValue(`${at}.effect`, effect, why));
  }
  if (operator === "Exists" && value !== "") {
    causes.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  }
  if (operator !== "") causes.push(...oneOf(toleration, "operator", { at, supported: OPERATORS }));
  if (effect !== "") causes.push(...oneOf(toleration, "effect", { at, supported: EFFECTS }));
  return causes;
}

function deadlineProblems(seconds: unknown, field: string): StatusCause[] {
  if (typeof seconds !== "number" || (seconds >= 1 && seconds <= MAX_INT32)) return [];
  return [invalidValue(field, seconds, `must be between 1 and ${MAX_INT32}, inclusive`)];
}

function oneOf(
  holder: JsonObject,
  field: string,
  options: { at: string; supported: readonly string[] },
): StatusCause[] {
  const value = holder[field];
  const { at, supported } = options;
  if (value === undefined || supported.includes(textOf(value))) return [];
  return [unsupportedValue(`${at}.${field}`, value, supported)];
}

function textProblems(
  holder: JsonObject,
  field: string,
  options: { at: string; problems(text: string): string[] },
): StatusCause[] {
  const text = stringAt(holder, field);
  return text === "" ? [] : options.problems(text).map((why) => invalidValue(`${options.at}.${field}`, text, why));
}

/** There is no binding here, so that a pod's node may be set once. */
const MUTABLE =
  "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

export function podChangeRules(pod: KubeObject, old: KubeObject): StatusCause[] {
  const [next, before] = [objectAt(pod, "spec"), objectAt(old, "spec")];
  for (const field of ["containers", "initContainers"]) {
    if (
      arrayAt(next, field).length === arrayAt(before, field).length &&
      isEqual(names(next, field), names(before, field))
    )
      continue;
    const message = "Forbidden: pod updates may not add or remove containers";
    return [{ reason: "FieldValueForbidden", message, field: `spec.${field}` }];
  }
  const imageless = ["containers", "initContainers"].flatMap((field) =>
    objectsAt(next, field).flatMap((container, index) =>
      stringAt(container, "image") === "" ? [requiredValue(`spec.${field}[${index}].image`)] : [],
    ),
  );
  const causes = [...imageless, ...deadlineChange(next, before), ...tolerationChange(next, before)];
  if (!isEqual(fixedPart(next, before), fixedPart(before, before))) {
    causes.push({ reason: "FieldValueForbidden", message: MUTABLE, field: "spec" });
  }
  return causes;
}

function names(spec: JsonObject, field: string): string[] {
  return objectsAt(spec, field).map((container) => stringAt(container, "name"));
}

function deadlineChange(next: JsonObject, before: JsonObject): StatusCause[] {
  const [seconds, former] = [next["activeDeadlineSeconds"], before["activeDeadlineSeconds"]];
  const field = "spec.activeDeadlineSeconds";
  if (typeof former !== "number") return [];
  if (seconds === undefined) return [invalidValue(field, null, "must not update from a positive integer to nil value")];
  return Number(seconds) > former ? [invalidValue(field, seconds, "must be less than or equal to previous value")] : [];
}

function tolerationChange(next: JsonObject, before: JsonObject): StatusCause[] {
  const timeless = ({ tolerationSeconds: _seconds, ...toleration }: JsonObject): JsonObject => toleration;
  const kept = objectsAt(next, "tolerations").map(timeless);
  const isKept = (toleration: JsonObject): boolean => kept.some((other) => isEqual(other, timeless(toleration)));
  if (objectsAt(before, "tolerations").every(isKept)) return [];
  const message = "Forbidden: existing toleration can not be modified except its tolerationSeconds";
  return [{ reason: "FieldValueForbidden", message, field: "spec.tolerations" }];
}

function fixedPart(spec: JsonObject, old: JsonObject): JsonObject {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, nodeName, ...rest } = spec;
  const withoutImages = (field: string): JsonObject[] =>
    objectsAt(spec, field).map(({ image: _image, ...container }) => container);
  return {
    ...rest,
    ...(old["nodeName"] === undefined ? {} : { nodeName }),
    containers: withoutImages("containers"),
    initContainers: withoutImages("initContainers"),
  };
}
