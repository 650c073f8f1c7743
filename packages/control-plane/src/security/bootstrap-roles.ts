/** The default roles and bindings of Kubernetes that clients of this server's field rely on. */
import type { JsonObject, Manifest } from "../object.ts";
import { ADMIN_RULES, EDIT_RULES, VIEW_RULES } from "./user-roles.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const GROUP = "rbac.authorization.k8s.io";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };
const AUTO_UPDATE = { "rbac.authorization.kubernetes.io/autoupdate": "true" };
const READ = ["get", "list", "watch"];

export function bootstrapRoles(): Manifest[] {
  return [
    clusterRole("cluster-admin", [rule(["*"], ["*"], ["*"]), paths(["*"], ["*"])]),
    clusterRole("system:discovery", [paths(DISCOVERY_PATHS, ["get"])]),
    clusterRole("system:public-info-viewer", [
      paths(["/healthz", "/livez", "/readyz", "/version", "/version/"], ["get"]),
    ]),
    clusterRole("system:monitoring", [paths(MONITORING_PATHS, ["get"]), rule([""], ["nodes/metrics"], ["get"])]),
    clusterRole("system:basic-user", [
      rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
      rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
    ]),
    clusterRole("system:node-bootstrapper", [
      rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...READ]),
    ]),
    clusterRole("system:certificates.k8s.io:certificatesigningrequests:nodeclient", [
      rule(["certificates.k8s.io"], ["certificatesigningrequests/nodeclient"], ["create"]),
    ]),
    clusterRole("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", [
      rule(["certificates.k8s.io"], ["certificatesigningrequests/selfnodeclient"], ["create"]),
    ]),
    clusterRole("system:node", NODE_RULES),
    clusterRole("system:auth-delegator", [
      rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
      rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
    ]),
    clusterRole("system:service-account-issuer-discovery", [
      paths(
        [
          "/.well-known/openid-configuration",
          "/.well-known/openid-configuration/",
          "/openid/v1/jwks",
          "/openid/v1/jwks/",
        ],
        ["get"],
      ),
    ]),
    gathering("view", { rules: VIEW_RULES, labels: { [`${AGGREGATE_TO}edit`]: "true" } }),
    gathering("edit", { rules: [...EDIT_RULES, ...VIEW_RULES], labels: { [`${AGGREGATE_TO}admin`]: "true" } }),
    gathering("admin", { rules: [...ADMIN_RULES, ...EDIT_RULES, ...VIEW_RULES], labels: {} }),
    part("view", VIEW_RULES),
    part("edit", EDIT_RULES),
    part("admin", ADMIN_RULES),
    clusterRoleBinding("cluster-admin", ["system:masters"]),
    clusterRoleBinding("system:discovery", ["system:authenticated"]),
    clusterRoleBinding("system:monitoring", ["system:monitoring"]),
    clusterRoleBinding("system:basic-user", ["system:authenticated"]),
    clusterRoleBinding("system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
    clusterRoleBinding("system:service-account-issuer-discovery", ["system:serviceaccounts"]),
    {
      ...role("Role", "kubeadm:bootstrap-signer-clusterinfo", [
        { ...rule([""], ["configmaps"], ["get"]), resourceNames: ["cluster-info"] },
      ]),
      metadata: { name: "kubeadm:bootstrap-signer-clusterinfo", namespace: "kube-public" },
    },
    {
      apiVersion: RBAC,
      kind: "RoleBinding",
      metadata: { name: "kubeadm:bootstrap-signer-clusterinfo", namespace: "kube-public" },
      roleRef: { apiGroup: GROUP, kind: "Role", name: "kubeadm:bootstrap-signer-clusterinfo" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "system:anonymous" }],
    },
    // As kubeadm sets up: bootstrap tokens of this group may join nodes, and nodes may renew their certificates.
    binding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", [DEFAULT_NODE_TOKENS]),
    binding("kubeadm:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", [
      DEFAULT_NODE_TOKENS,
    ]),
    binding(
      "kubeadm:node-autoapprove-certificate-rotation",
      "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
      ["system:nodes"],
    ),
  ];
}

const DEFAULT_NODE_TOKENS = "system:bootstrappers:kubeadm:default-node-token";

const DISCOVERY_PATHS = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
];

const MONITORING_PATHS = [
  "/flagz",
  "/healthz",
  "/healthz/*",
  "/livez",
  "/livez/*",
  "/metrics",
  "/metrics/slis",
  "/readyz",
  "/readyz/*",
  "/statusz",
];

/** What kubelets may do; the node authorizer narrows it to what is theirs. */
export const NODE_RULES: JsonObject[] = [
  rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
  rule(["authorization.k8s.io"], ["subjectaccessreviews", "localsubjectaccessreviews"], ["create"]),
  rule([""], ["services"], READ),
  rule([""], ["nodes"], ["create", ...READ]),
  rule([""], ["nodes", "nodes/status"], ["patch", "update"]),
  rule([""], ["events"], ["create", "patch", "update"]),
  rule(["events.k8s.io"], ["events"], ["create", "patch", "update"]),
  rule([""], ["pods"], READ),
  rule([""], ["pods"], ["create", "delete"]),
  rule([""], ["pods/status"], ["patch", "update"]),
  rule([""], ["pods/eviction"], ["create"]),
  rule([""], ["configmaps", "secrets"], READ),
  rule([""], ["endpoints", "persistentvolumeclaims", "persistentvolumes"], ["get"]),
  rule([""], ["persistentvolumeclaims/status"], ["get", "patch", "update"]),
  rule(["storage.k8s.io"], ["volumeattachments"], ["get"]),
  rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...READ]),
  rule(["coordination.k8s.io"], ["leases"], ["create", "delete", "get", "patch", "update"]),
  rule([""], ["serviceaccounts/token"], ["create"]),
  rule([""], ["serviceaccounts"], ["get"]),
  rule(["storage.k8s.io"], ["csidrivers"], READ),
  rule(["storage.k8s.io"], ["csinodes"], ["create", "delete", "get", "patch", "update"]),
  rule(["node.k8s.io"], ["runtimeclasses"], READ),
  rule(["resource.k8s.io"], ["resourceclaims"], ["get"]),
  rule(["resource.k8s.io"], ["resourceslices"], ["deletecollection"]),
];

function rule(apiGroups: string[], resources: string[], verbs: string[]): JsonObject {
  return { apiGroups, resources, verbs };
}

function paths(nonResourceURLs: string[], verbs: string[]): JsonObject {
  return { nonResourceURLs, verbs };
}

function role(kind: "Role" | "ClusterRole", name: string, rules: JsonObject[]): Manifest {
  return { apiVersion: RBAC, kind, metadata: { name, labels: LABELS, annotations: AUTO_UPDATE }, rules };
}

function clusterRole(name: string, rules: JsonObject[]): Manifest {
  return role("ClusterRole", name, rules);
}

const AGGREGATE_TO = "rbac.authorization.k8s.io/aggregate-to-";

/** `view`, `edit` and `admin` have the rules of all roles that say so in a label: their own part, and what others add. */
function gathering(name: string, options: { rules: JsonObject[]; labels: Record<string, string> }): Manifest {
  const { metadata, ...rest } = clusterRole(name, options.rules);
  return {
    ...rest,
    metadata: { ...metadata, labels: { ...LABELS, ...options.labels } },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE_TO}${name}`]: "true" } }] },
  };
}

function part(name: string, rules: JsonObject[]): Manifest {
  const { metadata, ...rest } = clusterRole(`system:aggregate-to-${name}`, rules);
  return { ...rest, metadata: { ...metadata, labels: { ...LABELS, [`${AGGREGATE_TO}${name}`]: "true" } } };
}

function clusterRoleBinding(name: string, groups: string[]): Manifest {
  const { metadata, ...rest } = binding(name, name, groups);
  return { ...rest, metadata: { ...metadata, labels: LABELS, annotations: AUTO_UPDATE } };
}

function binding(name: string, roleName: string, groups: string[]): Manifest {
  return {
    apiVersion: RBAC,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: roleName },
    subjects: groups.map((group) => ({ apiGroup: GROUP, kind: "Group", name: group })),
  };
}
