/** Defaults the API server fills into built-in kinds, for the fields that the field of machines looks at. */
import { arrayAt, isJsonObject, objectAt, objectsAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import { ensure, fill } from "./fill.ts";
import { fillPodSpec, fillPodTemplate, fillRequests, qosClassOf } from "./pod-defaults.ts";

/** There is no network to give Services addresses of: they are headless. */
const NO_ADDRESS = "None";

export const builtInDefaults: Record<string, (object: KubeObject) => void> = {
  Namespace(object) {
    object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  },
  Secret(object) {
    object["type"] ??= "Opaque";
    moveStringData(object);
  },
  Pod(object) {
    const spec = ensure(object, "spec");
    fillPodSpec(spec);
    fill(spec, { enableServiceLinks: true });
    fillRequests(spec);
    // What is negative means at once.
    if (Number(spec["terminationGracePeriodSeconds"]) < 0) spec["terminationGracePeriodSeconds"] = 1;
    fill(ensure(object, "status"), { phase: "Pending", qosClass: qosClassOf(object) });
  },
  Service(object) {
    const spec = ensure(object, "spec");
    fill(spec, { type: "ClusterIP", sessionAffinity: "None" });
    fill(ensure(object, "status"), { loadBalancer: {} });
    for (const port of arrayAt(spec, "ports")) {
      if (!isJsonObject(port)) continue;
      fill(port, { protocol: "TCP", targetPort: port["port"] });
      if (port["targetPort"] === 0) port["targetPort"] = port["port"];
    }
    if (spec["type"] === "ExternalName") return;
    fill(spec, { clusterIP: NO_ADDRESS });
    fill(spec, {
      clusterIPs: [spec["clusterIP"]],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    });
  },
  Deployment(object) {
    fill(ensure(object, "spec"), { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = ensure(ensure(object, "spec"), "strategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") {
      fill(ensure(strategy, "rollingUpdate"), { maxSurge: "25%", maxUnavailable: "25%" });
    }
    fillPodTemplate(ensure(object, "spec"));
  },
  ReplicaSet(object) {
    const spec = ensure(object, "spec");
    fill(spec, { replicas: 1 });
    fillPodTemplate(spec);
  },
  StatefulSet(object) {
    const spec = ensure(object, "spec");
    fill(spec, { replicas: 1, podManagementPolicy: "OrderedReady", revisionHistoryLimit: 10 });
    fill(ensure(spec, "persistentVolumeClaimRetentionPolicy"), { whenDeleted: "Retain", whenScaled: "Retain" });
    const strategy = ensure(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate") fill(ensure(strategy, "rollingUpdate"), { partition: 0 });
    for (const claim of arrayAt(spec, "volumeClaimTemplates")) {
      if (!isJsonObject(claim)) continue;
      fill(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim" });
      fillClaim(claim);
    }
    fillPodTemplate(spec);
  },
  ReplicationController(object) {
    const spec = ensure(object, "spec");
    const { labels } = objectAt(objectAt(spec, "template"), "metadata");
    fill(spec, { replicas: 1, ...(labels === undefined ? {} : { selector: labels }) });
    if (labels !== undefined) fill(object.metadata, { labels });
    fillPodTemplate(spec);
  },
  DaemonSet(object) {
    const spec = ensure(object, "spec");
    fill(spec, { revisionHistoryLimit: 10 });
    const strategy = ensure(spec, "updateStrategy");
    fill(strategy, { type: "RollingUpdate" });
    if (strategy["type"] === "RollingUpdate")
      fill(ensure(strategy, "rollingUpdate"), { maxUnavailable: 1, maxSurge: 0 });
    fillPodTemplate(spec);
  },
  Job: (object) => fillJob(ensure(object, "spec")),
  CronJob(object) {
    const spec = ensure(object, "spec");
    fill(spec, {
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    fillPodTemplate(objectAt(objectAt(spec, "jobTemplate"), "spec"));
  },
  HorizontalPodAutoscaler(object) {
    const spec = ensure(object, "spec");
    const target = { type: "Utilization", averageUtilization: 80 };
    fill(spec, { minReplicas: 1, metrics: [{ type: "Resource", resource: { name: "cpu", target } }] });
  },
  Node(object) {
    const { spec, status } = object;
    if (isJsonObject(spec) && typeof spec["podCIDR"] === "string" && spec["podCIDR"] !== "") {
      fill(spec, { podCIDRs: [spec["podCIDR"]] });
    }
    if (isJsonObject(status) && status["capacity"] !== undefined) fill(status, { allocatable: status["capacity"] });
  },
  Endpoints(object) {
    for (const subset of arrayAt(object, "subsets")) fillPorts(subset, { protocol: "TCP" });
  },
  EndpointSlice: (object) => fillPorts(object, { name: "", protocol: "TCP" }),
  NetworkPolicy(object) {
    const spec = ensure(object, "spec");
    fill(spec, { policyTypes: spec["egress"] === undefined ? ["Ingress"] : ["Ingress", "Egress"] });
    for (const rule of [...arrayAt(spec, "ingress"), ...arrayAt(spec, "egress")]) fillPorts(rule, { protocol: "TCP" });
  },
  PriorityClass: (object) => fill(object, { preemptionPolicy: "PreemptLowerPriority" }),
  StorageClass: (object) => fill(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  CSIDriver: (object) =>
    fill(ensure(object, "spec"), {
      attachRequired: true,
      fsGroupPolicy: "ReadWriteOnceWithFSType",
      podInfoOnMount: false,
      requiresRepublish: false,
      seLinuxMount: false,
      storageCapacity: false,
      volumeLifecycleModes: ["Persistent"],
    }),
  PersistentVolume(object) {
    fill(ensure(object, "spec"), { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" });
    fill(ensure(object, "status"), { phase: "Pending" });
  },
  PersistentVolumeClaim: fillClaim,
  PodDisruptionBudget(object) {
    ensure(object, "spec");
  },
  RoleBinding: fillSubjects,
  ClusterRoleBinding: fillSubjects,
  MutatingWebhookConfiguration: (object) => fillWebhooks(object, { reinvocationPolicy: "Never" }),
  ValidatingWebhookConfiguration: (object) => fillWebhooks(object, {}),
};

const NODE_TROUBLES = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** What only new objects get. */
export const builtInCreation: Record<string, (object: KubeObject) => void> = {
  Namespace(object) {
    const spec = ensure(object, "spec");
    const finalizers = arrayAt(spec, "finalizers");
    if (!finalizers.includes("kubernetes")) spec["finalizers"] = [...finalizers, "kubernetes"];
    object["status"] = { phase: "Active" };
  },
  /** Its account, its priority, whether it waits for gates, and five minutes' patience with a node that is in trouble. */
  Pod(object) {
    const spec = ensure(object, "spec");
    fill(spec, { serviceAccountName: "default" });
    fill(spec, { serviceAccount: spec["serviceAccountName"] });
    if (spec["priorityClassName"] === undefined) fill(spec, { priority: 0, preemptionPolicy: "PreemptLowerPriority" });
    if (arrayAt(spec, "schedulingGates").length > 0) {
      const message = "Scheduling is blocked due to non-empty scheduling gates";
      const condition = { type: "PodScheduled", status: "False", reason: "SchedulingGated", message };
      fill(ensure(object, "status"), { conditions: [condition] });
    }
    addPatience(object);
  },
  PersistentVolume(object) {
    addFinalizer(object, "kubernetes.io/pv-protection");
    fill(ensure(object, "status"), { lastPhaseTransitionTime: object.metadata.creationTimestamp });
  },
  PersistentVolumeClaim: (object) => addFinalizer(object, "kubernetes.io/pvc-protection"),
  /** A node takes no work until it has proved to be ready. */
  Node(object) {
    const spec = ensure(object, "spec");
    const taints = arrayAt(spec, "taints");
    const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
    const has = taints.some(
      (item) => isJsonObject(item) && item["key"] === taint.key && item["effect"] === taint.effect,
    );
    if (!has) spec["taints"] = [...taints, taint];
  },
};

/** What changed objects get too, past their owners. */
export const builtInAmendment: Record<string, (object: KubeObject) => void> = { Pod: addPatience };

function addPatience(pod: KubeObject): void {
  const spec = ensure(pod, "spec");
  const tolerations = objectsAt(spec, "tolerations");
  const missing = NODE_TROUBLES.filter((trouble) => !tolerations.some((own) => toleratesEviction(own, trouble)));
  const added = missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  if (added.length > 0) spec["tolerations"] = [...tolerations, ...added];
}

function toleratesEviction({ key, effect }: JsonObject, trouble: string): boolean {
  const isForIt = key === trouble || key === undefined || key === "";
  return isForIt && (effect === "NoExecute" || effect === undefined || effect === "");
}

/** Held until nobody uses the volume. */
function addFinalizer({ metadata }: KubeObject, finalizer: string): void {
  const { finalizers = [] } = metadata;
  if (!finalizers.includes(finalizer)) metadata.finalizers = [...finalizers, finalizer];
}

function fillClaim(claim: JsonObject): void {
  fill(ensure(claim, "spec"), { volumeMode: "Filesystem" });
  fill(ensure(claim, "status"), { phase: "Pending" });
}

function fillJob(spec: JsonObject): void {
  const { completions, parallelism } = spec;
  if (completions === undefined && parallelism === undefined) fill(spec, { completions: 1 });
  fill(spec, {
    parallelism: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    manualSelector: false,
    podReplacementPolicy: "TerminatingOrFailed",
    suspend: false,
  });
  fillPodTemplate(spec);
}

function fillPorts(holder: unknown, defaults: JsonObject): void {
  for (const port of arrayAt(holder, "ports")) {
    if (!isJsonObject(port)) continue;
    for (const [key, value] of Object.entries(defaults)) port[key] ??= value;
  }
}

function moveStringData(object: KubeObject): void {
  const plain = object["stringData"];
  delete object["stringData"];
  if (!isJsonObject(plain)) return;
  const data = ensure(object, "data");
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(String(value)).toString("base64");
}

function fillSubjects(object: KubeObject): void {
  const RBAC_GROUP = "rbac.authorization.k8s.io";
  fill(ensure(object, "roleRef"), { apiGroup: RBAC_GROUP });
  for (const subject of arrayAt(object, "subjects")) {
    if (isJsonObject(subject) && (subject["kind"] === "User" || subject["kind"] === "Group")) {
      fill(subject, { apiGroup: RBAC_GROUP });
    }
  }
}

function fillWebhooks(object: KubeObject, extra: JsonObject): void {
  for (const webhook of arrayAt(object, "webhooks")) {
    if (!isJsonObject(webhook)) continue;
    fill(webhook, {
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...extra,
    });
    const { service } = objectAt(webhook, "clientConfig");
    if (isJsonObject(service)) fill(service, { port: 443 });
    for (const rule of arrayAt(webhook, "rules")) if (isJsonObject(rule)) fill(rule, { scope: "*" });
  }
}
