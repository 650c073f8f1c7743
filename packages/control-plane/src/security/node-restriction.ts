/** Admission for kubelets: what the authorizer cannot see from the path alone. */
import { isEqual, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { forbidden } from "../status-error.ts";
import { nodeNameOf } from "./node-authorizer.ts";
import type { User } from "./user.ts";

/** The labels of Kubernetes' own domains that a kubelet may set on its Node. */
const KUBELET_LABELS = [
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
];
const KUBELET_LABEL_DOMAINS = ["kubelet.kubernetes.io", "node.kubernetes.io"];

export type NodeChange = { user: User; resource: Resource; old: KubeObject | undefined; next: KubeObject | undefined };

/** Throws Forbidden when a kubelet reaches beyond its own objects. */
export function restrictNode({ user, resource, old, next }: NodeChange): void {
  const nodeName = nodeNameOf(user);
  if (nodeName === undefined || resource.custom) return;
  const name = (next ?? old)?.metadata.name ?? "";
  const deny = (why: string): never => {
    throw forbidden(resource, name, why);
  };
  switch (resource.kind) {
    case "Node":
    case "CSINode":
      if (name !== nodeName)
        deny(`node ${JSON.stringify(nodeName)} is not allowed to modify node ${JSON.stringify(name)}`);
      if (resource.kind === "Node") checkNode({ old, next, deny, nodeName });
      return;
    case "Lease":
      if (name !== nodeName) deny(`can only access node lease with the same name as the requesting node`);
      return;
    case "Pod":
      if (stringAt((old ?? next)?.["spec"], "nodeName") !== nodeName) {
        const verb = old === undefined ? "create" : next === undefined ? "delete" : "update";
        deny(`node ${JSON.stringify(nodeName)} can only ${verb} pods with spec.nodeName set to itself`);
      }
      return;
    default:
  }
}

function isReserved(label: string): boolean {
  const domain = label.includes("/") ? (label.split("/")[0] ?? "") : "";
  const isOfKubernetes = ["kubernetes.io", "k8s.io"].some((own) => domain === own || domain.endsWith(`.${own}`));
  const isAllowed = KUBELET_LABEL_DOMAINS.some((own) => domain === own || domain.endsWith(`.${own}`));
  return isOfKubernetes && !isAllowed && !KUBELET_LABELS.includes(label);
}

function checkNode(options: {
  old: KubeObject | undefined;
  next: KubeObject | undefined;
  deny: (why: string) => never;
  nodeName: string;
}): void {
  const { old, next, deny, nodeName } = options;
  if (next === undefined) return;
  const changed = Object.entries(next.metadata.labels ?? {}).filter(
    ([key, value]) => isReserved(key) && old?.metadata.labels?.[key] !== value,
  );
  if (changed.length > 0) {
    const what = old === undefined ? "set the following labels" : "modify labels";
    deny(`is not allowed to ${what}: ${changed.map(([key]) => key).join(", ")}`);
  }
  if (old !== undefined && !isEqual(valueAt(old, "spec.taints"), valueAt(next, "spec.taints"))) {
    deny(`node ${JSON.stringify(nodeName)} is not allowed to modify taints`);
  }
}
