/** What `kubectl get` shows of built-in kinds: the columns of the real server for the kinds people look at. */
import { arrayAt, isJsonObject, objectAt, objectsAt, parseApiVersion, stringAt, textOf, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatAge, formatDuration } from "./age.ts";
import { AUTOSCALER_COLUMNS } from "./autoscaler-columns.ts";
import {
  AGE,
  column,
  conditionsOf,
  count,
  field,
  flag,
  formatLabels,
  isTrue,
  NAME,
  NONE,
  number,
  selector,
  UNKNOWN,
  UNSET,
  wide,
} from "./column.ts";
import { networkColumns } from "./network-columns.ts";
import { POD_COLUMNS } from "./pod-columns.ts";
import { volumeColumns } from "./volume-columns.ts";

export const DEFAULT_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: "Created At",
    type: "date",
    description: "CreationTimestamp is the time at which the object was created.",
    cell: (object) => object.metadata.creationTimestamp,
  },
];

const SELECTOR = selector("spec.selector");
const SCALED = [
  number("Desired", "spec.replicas"),
  number("Current", "status.replicas"),
  number("Ready", "status.readyReplicas"),
  AGE,
];
const WEBHOOKS = column("Webhooks", (object) => arrayAt(object, "webhooks").length, "integer");
const BINDING = [
  NAME,
  column("Role", bindingRole),
  AGE,
  wide(column("Users", (binding) => subjectsOf(binding, "User"))),
  wide(column("Groups", (binding) => subjectsOf(binding, "Group"))),
  wide(column("ServiceAccounts", (binding) => subjectsOf(binding, "ServiceAccount"))),
];

export const builtInColumns: Record<string, readonly Column[]> = {
  Namespace: [NAME, field("Status", "status.phase"), AGE],
  Node: [
    NAME,
    column("Status", nodeStatus),
    column("Roles", nodeRoles),
    AGE,
    field("Version", "status.nodeInfo.kubeletVersion"),
    wide(column("Internal-IP", (node) => nodeAddress(node, "InternalIP"))),
    wide(column("External-IP", (node) => nodeAddress(node, "ExternalIP"))),
    wide(field("OS-Image", "status.nodeInfo.osImage", UNKNOWN)),
    wide(column("Kernel-Version", kernelVersion)),
    wide(field("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", UNKNOWN)),
  ],
  Pod: POD_COLUMNS,
  Secret: [NAME, field("Type", "type"), column("Data", (secret) => Object.keys(objectAt(secret, "data")).length), AGE],
  ConfigMap: [
    NAME,
    column("Data", (map) => Object.keys({ ...objectAt(map, "data"), ...objectAt(map, "binaryData") }).length),
    AGE,
  ],
  Event: [
    column("Last Seen", (event, now) => formatAge(lastSeen(event), now)),
    field("Type", "type"),
    field("Reason", "reason"),
    column("Object", eventObject),
    wide(column("Subobject", (event) => stringAt(regarding(event), "fieldPath"))),
    wide(column("Source", eventSource)),
    column("Message", (event) => (stringAt(event, "message") || stringAt(event, "note")).trim()),
    wide(column("First Seen", (event, now) => formatAge(firstSeen(event), now))),
    wide(column("Count", (event) => valueAt(event, "series.count") ?? event["count"] ?? event["deprecatedCount"] ?? 1)),
    wide(NAME),
  ],
  ServiceAccount: [NAME, AGE],
  Lease: [NAME, field("Holder", "spec.holderIdentity"), AGE],
  CertificateSigningRequest: [
    NAME,
    AGE,
    field("SignerName", "spec.signerName", NONE),
    field("Requestor", "spec.username"),
    column("RequestedDuration", (csr) => {
      const seconds = valueAt(csr, "spec.expirationSeconds");
      return typeof seconds === "number" ? formatDuration(seconds * 1000) : NONE;
    }),
    column("Condition", csrCondition),
  ],
  Deployment: [
    NAME,
    column("Ready", (object) => `${count(object, "status.readyReplicas")}/${count(object, "spec.replicas")}`),
    column("Up-to-date", (object) => count(object, "status.updatedReplicas")),
    column("Available", (object) => count(object, "status.availableReplicas")),
    AGE,
    ...templateAt("spec.template"),
    SELECTOR,
  ],
  ReplicaSet: [NAME, ...SCALED, ...templateAt("spec.template"), SELECTOR],
  Scale: [{ ...NAME, format: "" }, number("Desired", "spec.replicas"), number("Available", "status.replicas"), AGE],
  StatefulSet: [
    NAME,
    column("Ready", (object) => `${count(object, "status.readyReplicas")}/${count(object, "spec.replicas")}`),
    AGE,
    ...templateAt("spec.template"),
  ],
  DaemonSet: [
    NAME,
    number("Desired", "status.desiredNumberScheduled"),
    number("Current", "status.currentNumberScheduled"),
    number("Ready", "status.numberReady"),
    number("Up-to-date", "status.updatedNumberScheduled"),
    number("Available", "status.numberAvailable"),
    column("Node Selector", (object) => formatLabels(valueAt(object, "spec.template.spec.nodeSelector"))),
    AGE,
    ...templateAt("spec.template"),
    SELECTOR,
  ],
  PodDisruptionBudget: [
    NAME,
    field("Min Available", "spec.minAvailable", "N/A"),
    field("Max Unavailable", "spec.maxUnavailable", "N/A"),
    number("Allowed Disruptions", "status.disruptionsAllowed"),
    AGE,
  ],
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  MutatingWebhookConfiguration: [NAME, WEBHOOKS, AGE],
  ValidatingWebhookConfiguration: [NAME, WEBHOOKS, AGE],
  ReplicationController: [
    NAME,
    ...SCALED,
    ...templateAt("spec.template"),
    wide(column("Selector", ({ spec }) => formatLabels(valueAt(spec, "selector")))),
  ],
  ResourceQuota: [
    NAME,
    column("Request", (quota) => quotaUse(quota, (resource) => !resource.startsWith("limits."))),
    column("Limit", (quota) => quotaUse(quota, (resource) => resource.startsWith("limits."))),
    AGE,
  ],
  ControllerRevision: [
    NAME,
    column("Controller", controllerOf),
    column("Revision", (object) => count(object, "revision")),
    AGE,
  ],
  Job: [
    NAME,
    column("Status", jobStatus),
    column("Completions", jobCompletions),
    column("Duration", jobDuration),
    AGE,
    ...templateAt("spec.template"),
    SELECTOR,
  ],
  CronJob: [
    NAME,
    field("Schedule", "spec.schedule"),
    field("Timezone", "spec.timeZone", NONE),
    column("Suspend", ({ spec }) => SUSPENDED[String(valueAt(spec, "suspend"))] ?? UNSET, "boolean"),
    column("Active", ({ status }) => arrayAt(status, "active").length, "integer"),
    column("Last Schedule", ({ status }, now) => {
      const time = stringAt(status, "lastScheduleTime");
      return time === "" ? NONE : formatAge(time, now);
    }),
    AGE,
    ...templateAt("spec.jobTemplate.spec.template"),
    selector("spec.jobTemplate.spec.selector"),
  ],
  HorizontalPodAutoscaler: AUTOSCALER_COLUMNS,
  PriorityClass: [
    NAME,
    number("Value", "value"),
    flag("Global-Default", "globalDefault"),
    AGE,
    field("PreemptionPolicy", "preemptionPolicy"),
  ],
  ...networkColumns,
  ...volumeColumns,
};

const SUSPENDED: Record<string, string> = { true: "True", false: "False" };

function templateAt(path: string): Column[] {
  const textsOf = (object: KubeObject, name: string): string =>
    objectsAt(valueAt(object, `${path}.spec`), "containers")
      .map((container) => stringAt(container, name))
      .join(",");
  return [
    wide(column("Containers", (object) => textsOf(object, "name"))),
    wide(column("Images", (object) => textsOf(object, "image"))),
  ];
}

function nodeStatus(node: KubeObject): string {
  const ready = conditionsOf(node).find((condition) => condition["type"] === "Ready");
  const words = [ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady"];
  if (valueAt(node, "spec.unschedulable") === true) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeAddress(node: KubeObject, type: string): string {
  const addresses = arrayAt(objectAt(node, "status"), "addresses");
  return (
    stringAt(
      addresses.find((address) => isJsonObject(address) && address["type"] === type),
      "address",
    ) || NONE
  );
}

function csrCondition(csr: KubeObject): string {
  const types = conditionsOf(csr).map((condition) => String(condition["type"]));
  const words = types.includes("Denied") ? ["Denied"] : types.includes("Approved") ? ["Approved"] : ["Pending"];
  if (types.includes("Failed")) words.push("Failed");
  if (stringAt(csr["status"], "certificate") !== "") words.push("Issued");
  return words.join(",");
}

function bindingRole(binding: KubeObject): string {
  const role = objectAt(binding, "roleRef");
  return `${stringAt(role, "kind")}/${stringAt(role, "name")}`;
}

function subjectsOf(binding: KubeObject, kind: string): string {
  return arrayAt(binding, "subjects")
    .filter((subject) => stringAt(subject, "kind") === kind)
    .map((subject) =>
      [stringAt(subject, "namespace"), stringAt(subject, "name")].filter((part) => part !== "").join("/"),
    )
    .join(", ");
}

function kernelVersion(node: KubeObject): string {
  const info = objectAt(objectAt(node, "status"), "nodeInfo");
  const version = stringAt(info, "kernelVersion");
  const architecture = stringAt(info, "architecture");
  return version === "" ? UNKNOWN : architecture === "" ? version : `${version} (${architecture})`;
}

function nodeRoles(node: KubeObject): string {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.entries(node.metadata.labels ?? {}).map(([key, value]) =>
    key.startsWith(prefix) ? key.slice(prefix.length) : key === "kubernetes.io/role" ? value : "",
  );
  return [...new Set(roles.filter((role) => role !== ""))].sort().join(",") || NONE;
}

/** The fields of an Event have other names in its own group than in the core one. */
function regarding(event: KubeObject): unknown {
  return event["involvedObject"] ?? event["regarding"];
}

function firstSeen(event: KubeObject): string {
  return (
    stringAt(event, "firstTimestamp") || stringAt(event, "deprecatedFirstTimestamp") || stringAt(event, "eventTime")
  );
}

function lastSeen(event: KubeObject): string {
  if (isJsonObject(event["series"])) return stringAt(event["series"], "lastObservedTime");
  return stringAt(event, "lastTimestamp") || stringAt(event, "deprecatedLastTimestamp") || firstSeen(event);
}

function eventObject(event: KubeObject): string {
  const kind = stringAt(regarding(event), "kind").toLowerCase();
  const name = stringAt(regarding(event), "name");
  return name === "" ? kind : `${kind}/${name}`;
}

function eventSource(event: KubeObject): string {
  const source = event["source"] ?? event["deprecatedSource"];
  const controller = stringAt(event, "reportingComponent") || stringAt(event, "reportingController");
  const instance = stringAt(source, "host") || stringAt(event, "reportingInstance");
  const component = stringAt(source, "component") || controller;
  return instance === "" ? component : `${component}, ${instance}`;
}

function quotaUse({ status }: KubeObject, accepts: (resource: string) => boolean): string {
  const used = objectAt(status, "used");
  const hard = objectAt(status, "hard");
  return Object.keys(hard)
    .filter(accepts)
    .sort()
    .map((resource) => `${resource}: ${textOf(used[resource], "0")}/${textOf(hard[resource])}`)
    .join(", ");
}

function controllerOf({ metadata }: KubeObject): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return NONE;
  const { group } = parseApiVersion(owner.apiVersion);
  return `${(group === "" ? owner.kind : `${owner.kind}.${group}`).toLowerCase()}/${owner.name}`;
}

function jobStatus(job: KubeObject): string {
  const end = ["Complete", "Failed"].find((type) => isTrue(job, type));
  if (end !== undefined) return end;
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find((type) => isTrue(job, type)) ?? "Running";
}

function jobCompletions(job: KubeObject): string {
  const succeeded = count(job, "status.succeeded");
  const completions = valueAt(job, "spec.completions");
  if (completions !== undefined) return `${succeeded}/${textOf(completions)}`;
  const parallelism = count(job, "spec.parallelism");
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: KubeObject, now: number): string {
  const started = stringAt(status, "startTime");
  const ended = stringAt(status, "completionTime");
  return started === "" ? "" : formatAge(started, ended === "" ? now : Date.parse(ended));
}
