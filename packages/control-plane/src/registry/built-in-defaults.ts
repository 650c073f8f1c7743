/** Defaults the API server fills into built-in kinds, for the fields that the field of machines looks at. */
import { arrayAt, isJsonObject, objectAt } from "../object.ts";
import type { JsonObject, KubeObject } from "../object.ts";

/** There is no network to give Services addresses of: they are headless. */
const NO_ADDRESS = "None";

export const builtInDefaults: Record<string, (object: KubeObject) => void> = {
  Namespace(object) {
    const spec = ensure(object, "spec");
    const finalizers = arrayAt(spec, "finalizers");
    const isAlive = object.metadata.deletionTimestamp === undefined;
    if (isAlive && !finalizers.includes("kubernetes")) spec["finalizers"] = [...finalizers, "kubernetes"];
    ensure(object, "status")["phase"] ??= "Active";
    object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  },
  Secret(object) {
    object["type"] ??= "Opaque";
    moveStringData(object);
  },
  Pod(object) {
    const spec = ensure(object, "spec");
    fillPodSpec(spec);
    fill(spec, {
      serviceAccountName: "default",
      serviceAccount: spec["serviceAccountName"] ?? "default",
      enableServiceLinks: true,
    });
    fill(ensure(object, "status"), { phase: "Pending", qosClass: "BestEffort" });
  },
  Service(object) {
    const spec = ensure(object, "spec");
    fill(spec, { type: "ClusterIP", sessionAffinity: "None" });
    fill(ensure(object, "status"), { loadBalancer: {} });
    for (const port of arrayAt(spec, "ports")) {
      if (isJsonObject(port)) fill(port, { protocol: "TCP", targetPort: port["port"] });
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
    fillPodTemplate(object);
  },
  ReplicaSet(object) {
    fill(ensure(object, "spec"), { replicas: 1 });
    fillPodTemplate(object);
  },
  StatefulSet(object) {
    fill(ensure(object, "spec"), { replicas: 1 });
    fillPodTemplate(object);
  },
  ReplicationController(object) {
    fill(ensure(object, "spec"), { replicas: 1 });
  },
  DaemonSet(object) {
    fill(ensure(object, "spec"), { revisionHistoryLimit: 10 });
    fillPodTemplate(object);
  },
  PersistentVolume(object) {
    fill(ensure(object, "spec"), { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" });
    fill(ensure(object, "status"), { phase: "Pending" });
  },
  PersistentVolumeClaim(object) {
    fill(ensure(object, "spec"), { volumeMode: "Filesystem" });
    fill(ensure(object, "status"), { phase: "Pending" });
  },
  PodDisruptionBudget(object) {
    ensure(object, "spec");
  },
  Role: fillRules,
  ClusterRole: fillRules,
  RoleBinding: fillSubjects,
  ClusterRoleBinding: fillSubjects,
  MutatingWebhookConfiguration: (object) => fillWebhooks(object, { reinvocationPolicy: "Never" }),
  ValidatingWebhookConfiguration: (object) => fillWebhooks(object, {}),
};

const NODE_TROUBLES = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** What only new objects get. */
export const builtInCreation: Record<string, (object: KubeObject) => void> = {
  /** Its priority, and five minutes' patience with a node that is in trouble. */
  Pod(object) {
    const spec = ensure(object, "spec");
    if (spec["priorityClassName"] === undefined) fill(spec, { priority: 0, preemptionPolicy: "PreemptLowerPriority" });
    const tolerations = arrayAt(spec, "tolerations").filter(isJsonObject);
    const missing = NODE_TROUBLES.filter((trouble) => !tolerations.some((own) => toleratesEviction(own, trouble)));
    const added = missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
    if (added.length > 0) spec["tolerations"] = [...tolerations, ...added];
  },
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

function toleratesEviction({ key, effect }: JsonObject, trouble: string): boolean {
  const isForIt = key === trouble || key === undefined || key === "";
  return isForIt && (effect === "NoExecute" || effect === undefined || effect === "");
}

function ensure(object: JsonObject, key: string): JsonObject {
  if (!isJsonObject(object[key])) object[key] = {};
  return object[key] as JsonObject;
}

function fill(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) target[key] ??= value;
}

function moveStringData(object: KubeObject): void {
  const plain = object["stringData"];
  delete object["stringData"];
  if (!isJsonObject(plain)) return;
  const data = ensure(object, "data");
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(String(value)).toString("base64");
}

function fillPodTemplate(object: KubeObject): void {
  const spec = ensure(object, "spec");
  const template = objectAt(spec, "template");
  if (isJsonObject(template["spec"])) fillPodSpec(template["spec"]);
}

function fillPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
  });
  for (const container of [...arrayAt(spec, "containers"), ...arrayAt(spec, "initContainers")]) {
    if (!isJsonObject(container)) continue;
    fill(container, {
      imagePullPolicy: isMoving(container["image"]) ? "Always" : "IfNotPresent",
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
    });
    for (const port of arrayAt(container, "ports")) if (isJsonObject(port)) fill(port, { protocol: "TCP" });
  }
}

/** An image without a tag, or with the one that is always the newest. */
function isMoving(image: unknown): boolean {
  const [path = "", digest] = String(image).split("@");
  const tag = path.split("/").at(-1)?.split(":")[1];
  return digest === undefined && (tag === undefined || tag === "latest");
}

function fillRules(object: KubeObject): void {
  if (!Array.isArray(object["rules"])) object["rules"] = null;
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
    for (const rule of arrayAt(webhook, "rules")) if (isJsonObject(rule)) fill(rule, { scope: "*" });
  }
}
