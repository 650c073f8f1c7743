/** What `kubectl get` shows of built-in kinds: the columns of the real server for the kinds people look at. */
import { arrayAt, isJsonObject, objectAt, objectsAt, stringAt, textOf, valueAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Column } from "../registry/resource.ts";
import { formatSelectorObject } from "../selectors/label-selector.ts";
import { formatAge } from "./age.ts";

type Cell = (object: KubeObject, now: number) => unknown;

const NONE = "<none>";
const UNKNOWN = "<unknown>";

const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  cell: (object) => object.metadata.name,
};
const AGE = column("Age", (object, now) => formatAge(object.metadata.creationTimestamp, now));

export const DEFAULT_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: "Created At",
    type: "date",
    description: "CreationTimestamp is the time at which the object was created.",
    cell: (object) => object.metadata.creationTimestamp,
  },
];

const TEMPLATE = [
  wide(column("Containers", (object) => containersOf(object, "name"))),
  wide(column("Images", (object) => containersOf(object, "image"))),
];
const SELECTOR = wide(column("Selector", (object) => formatSelectorObject(valueAt(object, "spec.selector")) || NONE));
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
  Pod: [
    NAME,
    column("Ready", podReady),
    column("Status", podStatus),
    column("Restarts", (pod) => String(podRestarts(pod))),
    AGE,
    wide(field("IP", "status.podIP", NONE)),
    wide(field("Node", "spec.nodeName", NONE)),
    wide(field("Nominated Node", "status.nominatedNodeName", NONE)),
    wide(column("Readiness Gates", () => NONE)),
  ],
  Secret: [NAME, field("Type", "type"), column("Data", (secret) => Object.keys(objectAt(secret, "data")).length), AGE],
  ConfigMap: [
    NAME,
    column("Data", (map) => Object.keys({ ...objectAt(map, "data"), ...objectAt(map, "binaryData") }).length),
    AGE,
  ],
  Event: [
    column("Last Seen", (event, now) => formatAge(eventTime(event), now)),
    field("Type", "type"),
    field("Reason", "reason"),
    column("Object", eventObject),
    wide(field("Subobject", "involvedObject.fieldPath")),
    wide(column("Source", eventSource)),
    column("Message", (event) => (stringAt(event, "message") || stringAt(event, "note")).trim()),
    wide(column("First Seen", (event, now) => formatAge(stringAt(event, "firstTimestamp") || eventTime(event), now))),
    wide(column("Count", (event) => valueAt(event, "series.count") ?? event["count"] ?? 1)),
    wide(NAME),
  ],
  ServiceAccount: [NAME, AGE],
  Service: [
    NAME,
    field("Type", "spec.type"),
    field("Cluster-IP", "spec.clusterIP", NONE),
    column("External-IP", () => NONE),
    column("Port(s)", servicePorts),
    AGE,
    wide(column("Selector", (service) => formatLabels(valueAt(service, "spec.selector")))),
  ],
  Lease: [NAME, field("Holder", "spec.holderIdentity"), AGE],
  CertificateSigningRequest: [
    NAME,
    AGE,
    field("SignerName", "spec.signerName", NONE),
    field("Requestor", "spec.username"),
    column("RequestedDuration", (csr) => {
      const seconds = valueAt(csr, "spec.expirationSeconds");
      return typeof seconds === "number" ? formatAge(new Date(0).toISOString(), seconds * 1000) : NONE;
    }),
    column("Condition", csrCondition),
  ],
  Deployment: [
    NAME,
    column("Ready", (object) => `${count(object, "status.readyReplicas")}/${count(object, "spec.replicas")}`),
    column("Up-to-date", (object) => count(object, "status.updatedReplicas")),
    column("Available", (object) => count(object, "status.availableReplicas")),
    AGE,
    ...TEMPLATE,
    SELECTOR,
  ],
  ReplicaSet: [
    NAME,
    number("Desired", (object) => count(object, "spec.replicas")),
    number("Current", (object) => count(object, "status.replicas")),
    number("Ready", (object) => count(object, "status.readyReplicas")),
    AGE,
    ...TEMPLATE,
    SELECTOR,
  ],
  Scale: [
    NAME,
    number("Desired", (object) => count(object, "spec.replicas")),
    number("Available", (object) => count(object, "status.replicas")),
    AGE,
  ],
  StatefulSet: [
    NAME,
    column("Ready", (object) => `${count(object, "status.readyReplicas")}/${count(object, "spec.replicas")}`),
    AGE,
    ...TEMPLATE,
  ],
  DaemonSet: [
    NAME,
    number("Desired", (object) => count(object, "status.desiredNumberScheduled")),
    number("Current", (object) => count(object, "status.currentNumberScheduled")),
    number("Ready", (object) => count(object, "status.numberReady")),
    number("Up-to-date", (object) => count(object, "status.updatedNumberScheduled")),
    number("Available", (object) => count(object, "status.numberAvailable")),
    column("Node Selector", (object) => formatLabels(valueAt(object, "spec.template.spec.nodeSelector"))),
    AGE,
    ...TEMPLATE,
    SELECTOR,
  ],
  PodDisruptionBudget: [
    NAME,
    field("Min Available", "spec.minAvailable", "N/A"),
    field("Max Unavailable", "spec.maxUnavailable", "N/A"),
    number("Allowed Disruptions", (object) => count(object, "status.disruptionsAllowed")),
    AGE,
  ],
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  VolumeAttachment: [
    NAME,
    { ...field("Attacher", "spec.attacher"), format: "name" },
    field("PV", "spec.source.persistentVolumeName"),
    field("Node", "spec.nodeName"),
    { ...column("Attached", (object) => valueAt(object, "status.attached") === true), type: "boolean" },
    AGE,
  ],
  PersistentVolume: [
    NAME,
    field("Capacity", "spec.capacity.storage"),
    field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
    field("Status", "status.phase"),
    field("StorageClass", "spec.storageClassName"),
    AGE,
  ],
  PersistentVolumeClaim: [
    NAME,
    field("Status", "status.phase"),
    field("Volume", "spec.volumeName"),
    field("StorageClass", "spec.storageClassName"),
    AGE,
  ],
  MutatingWebhookConfiguration: [NAME, number("Webhooks", (object) => arrayAt(object, "webhooks").length), AGE],
  ValidatingWebhookConfiguration: [NAME, number("Webhooks", (object) => arrayAt(object, "webhooks").length), AGE],
};

function column(name: string, cell: Cell): Column {
  return { name, type: "string", cell };
}

function number(name: string, cell: Cell): Column {
  return { name, type: "integer", cell };
}

function field(name: string, path: string, missing = ""): Column {
  return column(name, (object) => textOf(valueAt(object, path), missing));
}

function wide(inner: Column): Column {
  return { ...inner, priority: 1 };
}

function count(object: KubeObject, path: string): number {
  return Number(valueAt(object, path) ?? 0);
}

function conditions(object: KubeObject): JsonObject[] {
  return objectsAt(objectAt(object, "status"), "conditions");
}

function nodeStatus(node: KubeObject): string {
  const ready = conditions(node).find((condition) => condition["type"] === "Ready");
  const words = [ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady"];
  if (valueAt(node, "spec.unschedulable") === true) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeRoles(node: KubeObject): string {
  const prefix = "node-role.kubernetes.io/";
  const labels = node.metadata.labels ?? {};
  const roles = Object.keys(labels)
    .filter((label) => label.startsWith(prefix))
    .map((label) => label.slice(prefix.length));
  if (labels["kubernetes.io/role"] !== undefined) roles.push(labels["kubernetes.io/role"]);
  return roles.sort().join(",") || NONE;
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

function containerStatuses(pod: KubeObject): JsonObject[] {
  return objectsAt(objectAt(pod, "status"), "containerStatuses");
}

function podReady(pod: KubeObject): string {
  const ready = containerStatuses(pod).filter((status) => status["ready"] === true).length;
  return `${ready}/${arrayAt(objectAt(pod, "spec"), "containers").length}`;
}

function podRestarts(pod: KubeObject): number {
  return containerStatuses(pod).reduce((sum, status) => sum + Number(status["restartCount"] ?? 0), 0);
}

function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  for (const status of containerStatuses(pod)) {
    const reason =
      stringAt(valueAt(status, "state.waiting"), "reason") || stringAt(valueAt(status, "state.terminated"), "reason");
    if (reason !== "") return reason;
  }
  return stringAt(pod["status"], "reason") || stringAt(pod["status"], "phase");
}

function eventTime(event: KubeObject): string {
  return (
    stringAt(event["series"], "lastObservedTime") ||
    stringAt(event, "lastTimestamp") ||
    stringAt(event, "deprecatedLastTimestamp") ||
    stringAt(event, "eventTime")
  );
}

function eventObject(event: KubeObject): string {
  const about = isJsonObject(event["involvedObject"]) ? event["involvedObject"] : event["regarding"];
  return `${stringAt(about, "kind").toLowerCase()}/${stringAt(about, "name")}`;
}

function eventSource(event: KubeObject): string {
  const source = objectAt(event, "source");
  const component = stringAt(source, "component") || stringAt(event, "reportingComponent");
  return [component, stringAt(source, "host") || stringAt(event, "reportingInstance")]
    .filter((part) => part !== "")
    .join(", ");
}

function servicePorts(service: KubeObject): string {
  const ports = objectsAt(objectAt(service, "spec"), "ports");
  return ports.map((port) => `${String(port["port"])}/${textOf(port["protocol"], "TCP")}`).join(",") || NONE;
}

function csrCondition(csr: KubeObject): string {
  const types = conditions(csr).map((condition) => String(condition["type"]));
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

function containersOf(object: KubeObject, field: string): string {
  const containers = arrayAt(valueAt(object, "spec.template.spec"), "containers");
  return containers.map((container) => stringAt(container, field)).join(",");
}

function kernelVersion(node: KubeObject): string {
  const info = objectAt(objectAt(node, "status"), "nodeInfo");
  const version = stringAt(info, "kernelVersion");
  const architecture = stringAt(info, "architecture");
  return version === "" ? UNKNOWN : architecture === "" ? version : `${version} (${architecture})`;
}

function formatLabels(labels: unknown): string {
  if (!isJsonObject(labels)) return NONE;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.sort().join(",") || NONE;
}
