/** What Kubernetes' roles `view`, `edit` and `admin` allow in a namespace, for kinds that are served here and for those that are not. */
import type { JsonObject } from "../object.ts";

const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];
const ALL = [...WRITE, ...READ].sort();

type Resources = [apiGroups: string, resources: string];

const VIEWED: Resources[] = [
  [
    "",
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers " +
      "replicationcontrollers/scale serviceaccounts services services/status",
  ],
  [
    "",
    "bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas " +
      "resourcequotas/status",
  ],
  ["", "namespaces"],
  [" events.k8s.io", "events"],
  ["discovery.k8s.io", "endpointslices"],
  [
    "apps",
    "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets " +
      "replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
  ],
  ["autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"],
  ["batch", "cronjobs cronjobs/status jobs jobs/status"],
  [
    "extensions",
    "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status " +
      "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
  ],
  ["policy", "poddisruptionbudgets poddisruptionbudgets/status"],
  ["networking.k8s.io", "ingresses ingresses/status networkpolicies"],
  ["resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"],
];

const EDITED: [verbs: string[], ...Resources][] = [
  [READ, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"],
  [["impersonate"], "", "serviceaccounts"],
  [WRITE, "", "pods pods/attach pods/exec pods/portforward pods/proxy"],
  [["create"], "", "pods/eviction"],
  [
    WRITE,
    "",
    "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts " +
      "services services/proxy",
  ],
  [["create"], "", "serviceaccounts/token"],
  [WRITE, " events.k8s.io", "events"],
  [
    WRITE,
    "apps",
    "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets " +
      "statefulsets/scale",
  ],
  [WRITE, "autoscaling", "horizontalpodautoscalers"],
  [WRITE, "batch", "cronjobs jobs"],
  [
    WRITE,
    "extensions",
    "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets " +
      "replicasets/scale replicationcontrollers/scale",
  ],
  [WRITE, "policy", "poddisruptionbudgets"],
  [WRITE, "networking.k8s.io", "ingresses networkpolicies"],
  [ALL, "coordination.k8s.io", "leases"],
  [WRITE, "resource.k8s.io", "resourceclaims resourceclaimtemplates"],
];

export const VIEW_RULES = VIEWED.map(([groups, resources]) => rule(READ, groups, resources));
/** Beyond those of `view`. */
export const EDIT_RULES = EDITED.map(([verbs, groups, resources]) => rule(verbs, groups, resources));
/** Beyond those of `edit`. */
export const ADMIN_RULES = [
  rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews"),
  rule(ALL, "rbac.authorization.k8s.io", "rolebindings roles"),
];

/** Of words with a space between; a leading one makes the core group the first. */
function rule(verbs: string[], groups: string, resources: string): JsonObject {
  return { apiGroups: groups.split(" "), resources: resources.split(" "), verbs };
}
