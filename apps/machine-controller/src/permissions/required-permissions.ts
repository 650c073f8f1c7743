/** What the controllers may have to ask of the API server: the same list that the deployment's RBAC grants. */

export type Permission = {
  verb: string;
  group: string;
  /** With its subresource, as in `pods/eviction`. */
  resource: string;
  /** "" for all namespaces, and for kinds without one. */
  namespace: string;
  name?: string;
};

type Grant = { group?: string; resource: string; verbs: string; namespace?: string; name?: string };

const MACHINES = "cluster.k8s.io";

/** `undefined` and `false` leave out what only serves that. Secrets that manifests refer to may be anywhere: not asked for. */
export function requiredPermissions(options: {
  leaderElectionNamespace: string | undefined;
  nodeCsrApprover: boolean;
  orphans: boolean;
}): Permission[] {
  const grants: Grant[] = [
    { group: MACHINES, resource: "machines", verbs: "get list watch create patch delete" },
    { group: MACHINES, resource: "machinesets", verbs: "get list watch create patch delete" },
    { group: MACHINES, resource: "machinedeployments", verbs: "list watch patch" },
    { group: MACHINES, resource: "machinesets/status", verbs: "patch" },
    { group: MACHINES, resource: "machinedeployments/status", verbs: "patch" },
    { group: MACHINES, resource: "machinesets/finalizers", verbs: "update" },
    { group: MACHINES, resource: "machinedeployments/finalizers", verbs: "update" },
    { resource: "nodes", verbs: "list watch patch delete" },
    { resource: "namespaces", verbs: "get", name: "kube-system" },
    { resource: "pods", verbs: "list" },
    { resource: "pods/eviction", verbs: "create" },
    { resource: "events", verbs: "create patch" },
    { group: "storage.k8s.io", resource: "volumeattachments", verbs: "list" },
    { resource: "secrets", verbs: "create get update", namespace: "kube-system" },
    { resource: "secrets", verbs: "list watch", namespace: "cloud-init-settings" },
    { resource: "configmaps", verbs: "get", namespace: "kube-public", name: "cluster-info" },
    ...leaseGrants(options.leaderElectionNamespace),
    ...(options.nodeCsrApprover ? APPROVAL : []),
    ...(options.orphans ? ORPHANS : []),
  ];
  return grants.flatMap(({ group = "", namespace = "", verbs, ...grant }) =>
    verbs.split(" ").map((verb) => ({ verb, group, namespace, ...grant })),
  );
}

const leaseGrants = (namespace: string | undefined): Grant[] =>
  namespace === undefined
    ? []
    : [{ group: "coordination.k8s.io", resource: "leases", verbs: "create get update", namespace }];

const CERTIFICATES = "certificates.k8s.io";
const APPROVAL: Grant[] = [
  { group: CERTIFICATES, resource: "certificatesigningrequests", verbs: "list watch" },
  { group: CERTIFICATES, resource: "certificatesigningrequests/approval", verbs: "update" },
  { group: CERTIFICATES, resource: "signers", verbs: "approve", name: "kubernetes.io/kubelet-serving" },
];

const ORPHANS: Grant[] = [
  { resource: "configmaps", verbs: "create", namespace: "kube-system" },
  { resource: "configmaps", verbs: "get patch", namespace: "kube-system", name: "machine-controller-orphans" },
];

/** `list nodes`, `patch machines.cluster.k8s.io`, `get secrets in kube-system`. */
export function describePermission({ verb, group, resource, namespace, name }: Permission): string {
  const [plural = "", subresource] = resource.split("/");
  const what = [plural, group].filter(Boolean).join(".") + (subresource ? `/${subresource}` : "");
  return `${verb} ${what}${name ? ` "${name}"` : ""}${namespace ? ` in ${namespace}` : ""}`;
}
