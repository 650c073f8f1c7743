/** The built-in kinds as a table. Their columns, defaults and rules are in the files named after those. */
import type { Resource, Scale } from "./resource.ts";
import { toApiVersion } from "../object.ts";
import { builtInColumns, DEFAULT_COLUMNS } from "../table/built-in-columns.ts";
import { podRowConditions } from "../table/pod-columns.ts";
import { builtInSchema } from "../schema/built-in-schemas.ts";
import { schemaName, shortName } from "../schema/schema-names.ts";
import { builtInAmendment, builtInCreation, builtInDefaults } from "./built-in-defaults.ts";
import { builtInRules } from "./built-in-rules.ts";

type Row = {
  kind: string;
  plural: string;
  short?: string[];
  cluster?: true;
  categories?: string[];
  subresources?: string[];
  fields?: string[];
  generation?: true | "spec-and-annotations" | "all";
  scale?: true;
  storage?: string;
  statusOnCreate?: true;
  review?: true;
  deprecationWarning?: string;
};

const WORKLOAD_SCALE: Scale = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".spec.selector",
};

const EVENT_FIELDS = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

const KINDS: Record<string, Row[]> = {
  v1: [
    {
      kind: "Namespace",
      plural: "namespaces",
      short: ["ns"],
      cluster: true,
      subresources: ["status", "finalize"],
      fields: ["status.phase"],
    },
    {
      kind: "Node",
      plural: "nodes",
      short: ["no"],
      cluster: true,
      subresources: ["status"],
      fields: ["spec.unschedulable"],
      statusOnCreate: true,
    },
    {
      kind: "Pod",
      plural: "pods",
      short: ["po"],
      categories: ["all"],
      subresources: ["status", "eviction", "binding"],
      generation: true,
      fields: [
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
      ],
    },
    { kind: "Secret", plural: "secrets", fields: ["type"] },
    { kind: "ConfigMap", plural: "configmaps", short: ["cm"] },
    { kind: "Event", plural: "events", short: ["ev"], fields: EVENT_FIELDS, storage: "events" },
    { kind: "ServiceAccount", plural: "serviceaccounts", short: ["sa"], subresources: ["token"] },
    {
      kind: "Service",
      plural: "services",
      short: ["svc"],
      categories: ["all"],
      subresources: ["status"],
      fields: ["spec.clusterIP", "spec.type"],
    },
    {
      kind: "Endpoints",
      plural: "endpoints",
      short: ["ep"],
      deprecationWarning: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    },
    { kind: "PersistentVolume", plural: "persistentvolumes", short: ["pv"], cluster: true, subresources: ["status"] },
    { kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims", short: ["pvc"], subresources: ["status"] },
    {
      kind: "ReplicationController",
      plural: "replicationcontrollers",
      short: ["rc"],
      categories: ["all"],
      subresources: ["status", "scale"],
      generation: true,
      scale: true,
    },
    { kind: "ResourceQuota", plural: "resourcequotas", short: ["quota"], subresources: ["status"] },
    { kind: "LimitRange", plural: "limitranges", short: ["limits"] },
  ],
  "events.k8s.io/v1": [
    {
      kind: "Event",
      plural: "events",
      short: ["ev"],
      fields: [
        "reason",
        "regarding.kind",
        "regarding.name",
        "regarding.namespace",
        "regarding.uid",
        "type",
        "reportingController",
      ],
      storage: "events",
    },
  ],
  "apps/v1": [
    {
      kind: "DaemonSet",
      plural: "daemonsets",
      short: ["ds"],
      categories: ["all"],
      subresources: ["status"],
      generation: true,
    },
    {
      kind: "Deployment",
      plural: "deployments",
      short: ["deploy"],
      categories: ["all"],
      subresources: ["status", "scale"],
      generation: "spec-and-annotations",
      scale: true,
    },
    {
      kind: "ReplicaSet",
      plural: "replicasets",
      short: ["rs"],
      categories: ["all"],
      subresources: ["status", "scale"],
      generation: true,
      scale: true,
      fields: ["status.replicas"],
    },
    {
      kind: "StatefulSet",
      plural: "statefulsets",
      short: ["sts"],
      categories: ["all"],
      subresources: ["status", "scale"],
      generation: true,
      scale: true,
    },
    { kind: "ControllerRevision", plural: "controllerrevisions" },
  ],
  "batch/v1": [
    {
      kind: "Job",
      plural: "jobs",
      categories: ["all"],
      subresources: ["status"],
      generation: true,
      fields: ["status.successful"],
    },
    {
      kind: "CronJob",
      plural: "cronjobs",
      short: ["cj"],
      categories: ["all"],
      subresources: ["status"],
      generation: true,
    },
  ],
  "autoscaling/v2": [
    {
      kind: "HorizontalPodAutoscaler",
      plural: "horizontalpodautoscalers",
      short: ["hpa"],
      categories: ["all"],
      subresources: ["status"],
    },
  ],
  "coordination.k8s.io/v1": [{ kind: "Lease", plural: "leases" }],
  "discovery.k8s.io/v1": [{ kind: "EndpointSlice", plural: "endpointslices", generation: "all" }],
  "policy/v1": [
    {
      kind: "PodDisruptionBudget",
      plural: "poddisruptionbudgets",
      short: ["pdb"],
      subresources: ["status"],
      generation: true,
    },
  ],
  "scheduling.k8s.io/v1": [
    { kind: "PriorityClass", plural: "priorityclasses", short: ["pc"], cluster: true, generation: true },
  ],
  "networking.k8s.io/v1": [
    { kind: "NetworkPolicy", plural: "networkpolicies", short: ["netpol"], generation: true },
    { kind: "Ingress", plural: "ingresses", short: ["ing"], subresources: ["status"], generation: true },
    { kind: "IngressClass", plural: "ingressclasses", cluster: true, generation: true },
  ],
  "storage.k8s.io/v1": [
    { kind: "StorageClass", plural: "storageclasses", short: ["sc"], cluster: true },
    { kind: "VolumeAttachment", plural: "volumeattachments", cluster: true, subresources: ["status"] },
    { kind: "CSIDriver", plural: "csidrivers", cluster: true },
    { kind: "CSINode", plural: "csinodes", cluster: true },
    { kind: "CSIStorageCapacity", plural: "csistoragecapacities" },
  ],
  "certificates.k8s.io/v1": [
    {
      kind: "CertificateSigningRequest",
      plural: "certificatesigningrequests",
      short: ["csr"],
      cluster: true,
      subresources: ["approval", "status"],
      fields: ["spec.signerName"],
    },
  ],
  "rbac.authorization.k8s.io/v1": [
    { kind: "ClusterRoleBinding", plural: "clusterrolebindings", cluster: true },
    { kind: "ClusterRole", plural: "clusterroles", cluster: true },
    { kind: "RoleBinding", plural: "rolebindings" },
    { kind: "Role", plural: "roles" },
  ],
  "apiextensions.k8s.io/v1": [
    {
      kind: "CustomResourceDefinition",
      plural: "customresourcedefinitions",
      short: ["crd", "crds"],
      cluster: true,
      categories: ["api-extensions"],
      subresources: ["status"],
      generation: true,
    },
  ],
  "admissionregistration.k8s.io/v1": [
    {
      kind: "MutatingWebhookConfiguration",
      plural: "mutatingwebhookconfigurations",
      cluster: true,
      categories: ["api-extensions"],
      generation: true,
    },
    {
      kind: "ValidatingWebhookConfiguration",
      plural: "validatingwebhookconfigurations",
      cluster: true,
      categories: ["api-extensions"],
      generation: true,
    },
  ],
  "authentication.k8s.io/v1": [
    { kind: "TokenReview", plural: "tokenreviews", cluster: true, review: true },
    { kind: "SelfSubjectReview", plural: "selfsubjectreviews", cluster: true, review: true },
  ],
  "authorization.k8s.io/v1": [
    { kind: "LocalSubjectAccessReview", plural: "localsubjectaccessreviews", review: true },
    { kind: "SelfSubjectAccessReview", plural: "selfsubjectaccessreviews", cluster: true, review: true },
    { kind: "SelfSubjectRulesReview", plural: "selfsubjectrulesreviews", cluster: true, review: true },
    { kind: "SubjectAccessReview", plural: "subjectaccessreviews", cluster: true, review: true },
  ],
};

export const BUILT_IN_RESOURCES: readonly Resource[] = Object.entries(KINDS).flatMap(([apiVersion, rows]) =>
  rows.map((row) => toResource(apiVersion, row)),
);

function toResource(apiVersion: string, row: Row): Resource {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  const storage = row.storage ?? (group === "" ? row.plural : `${row.plural}.${group}`);
  const defaults = builtInDefaults[row.kind];
  const rules = builtInRules[row.kind];
  const prepareCreate = builtInCreation[row.kind];
  const prepareUpdate = builtInAmendment[row.kind];
  return {
    group,
    version,
    kind: row.kind,
    listKind: `${row.kind}List`,
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    shortNames: row.short ?? [],
    categories: row.categories ?? [],
    namespaced: row.cluster !== true,
    storage,
    storageApiVersion: storage === "events" ? "v1" : toApiVersion(group, version),
    subresources: row.subresources ?? [],
    ...(row.scale === true ? { scale: WORKLOAD_SCALE } : {}),
    selectableFields: row.fields ?? [],
    columns: builtInColumns[row.kind] ?? DEFAULT_COLUMNS,
    ...(row.kind === "Pod" ? { rowConditions: podRowConditions } : {}),
    generation: row.generation === true ? "spec" : (row.generation ?? "none"),
    statusOnCreate: row.statusOnCreate === true || !(row.subresources ?? []).includes("status"),
    custom: false,
    get schema() {
      return builtInSchema(shortName(schemaName({ group, version, kind: row.kind, custom: false }))) ?? {};
    },
    ...(row.review === true ? { review: true } : {}),
    ...(row.deprecationWarning === undefined ? {} : { deprecationWarning: row.deprecationWarning }),
    ...(defaults === undefined ? {} : { applyDefaults: defaults }),
    ...(prepareCreate === undefined ? {} : { prepareCreate }),
    ...(prepareUpdate === undefined ? {} : { prepareUpdate }),
    ...(rules === undefined ? {} : { validate: rules }),
  };
}
