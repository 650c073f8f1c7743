/** Kubelets (group system:nodes) may touch what is theirs: their Node, Lease, pods, and what those pods refer to. */
import { isJsonObject, stringAt, valueAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";
import type { Attributes, Opinion, ResourceAttributes } from "./authorize.ts";
import { NODE_RULES } from "./bootstrap-roles.ts";
import { ruleAllows } from "./rbac.ts";
import type { User } from "./user.ts";

const NODES_GROUP = "system:nodes";
const NODE_PREFIX = "system:node:";
const LEASE_NAMESPACE = "kube-node-lease";

/** The node a user stands for, if it is one. */
export function nodeNameOf(user: User): string | undefined {
  return user.groups.includes(NODES_GROUP) && user.name.startsWith(NODE_PREFIX)
    ? user.name.slice(NODE_PREFIX.length)
    : undefined;
}

export function createNodeOpinion(storage: Storage): Opinion {
  return (user: User, attributes: Attributes) => {
    const nodeName = nodeNameOf(user);
    if (nodeName === undefined || "path" in attributes) return undefined;
    if (!NODE_RULES.some((rule) => ruleAllows(rule, attributes))) return undefined;
    return isOwn(storage, nodeName, attributes) ? true : undefined;
  };
}

function isOwn(
  storage: Storage,
  nodeName: string,
  { plural, namespace, name, verb, group }: ResourceAttributes,
): boolean {
  switch (plural) {
    case "nodes":
    case "csinodes":
      return verb === "create" || name === nodeName;
    case "leases":
      return namespace === LEASE_NAMESPACE && (verb === "create" || name === nodeName);
    case "secrets":
    case "configmaps":
      return (
        group === "" && name !== "" && podsOf(storage, nodeName, namespace).some((pod) => refersTo(pod, plural, name))
      );
    default:
      return true;
  }
}

function podsOf(storage: Storage, nodeName: string, namespace: string): KubeObject[] {
  return storage
    .list({ resource: "pods", namespace })
    .map(({ json }) => JSON.parse(json) as KubeObject)
    .filter((pod) => valueAt(pod, "spec.nodeName") === nodeName);
}

const REFERENCES = {
  secrets: { keys: ["secret", "secretRef", "secretKeyRef", "imagePullSecrets"], nameFields: ["secretName", "name"] },
  configmaps: { keys: ["configMap", "configMapRef", "configMapKeyRef"], nameFields: ["name"] },
};

/** Whether a pod's spec refers to the Secret or ConfigMap anywhere. */
function refersTo(pod: KubeObject, plural: "secrets" | "configmaps", name: string): boolean {
  const { keys, nameFields } = REFERENCES[plural];
  const search = (value: unknown, key: string): boolean => {
    if (Array.isArray(value)) return value.some((item) => search(item, key));
    if (!isJsonObject(value)) return false;
    if (keys.includes(key) && nameFields.some((field) => stringAt(value, field) === name)) return true;
    return Object.entries(value).some(([inner, item]) => search(item, inner));
  };
  return search(pod["spec"], "spec");
}
