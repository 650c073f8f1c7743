/** Admission for kubelets: what the authorizer cannot see from the path alone. */
import { isEqual, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Resource } from "../registry/resource.ts";
import { forbidden } from "../status-error.ts";
import { nodeNameOf } from "./node-authorizer.ts";
import type { User } from "./user.ts";

const RESERVED_LABEL_PREFIX = "node-restriction.kubernetes.io/";

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
        deny(`node ${JSON.stringify(nodeName)} can only act on pods with spec.nodeName set to itself`);
      }
      return;
    default:
  }
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
    ([key, value]) => key.startsWith(RESERVED_LABEL_PREFIX) && old?.metadata.labels?.[key] !== value,
  );
  if (changed.length > 0) {
    deny(`is not allowed to set the following labels: ${changed.map(([key]) => key).join(", ")}`);
  }
  if (old !== undefined && !isEqual(valueAt(old, "spec.taints"), valueAt(next, "spec.taints"))) {
    deny(`node ${JSON.stringify(nodeName)} is not allowed to modify taints`);
  }
}
