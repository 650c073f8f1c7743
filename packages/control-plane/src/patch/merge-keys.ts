/** How lists of built-in kinds merge: by a key, as sets, or not at all (replaced as one). */

export type ListMerge = { by: "key"; key: string } | { by: "value" } | { by: "replace" };

/** The longest path ending that fits decides; paths carry no indexes. From the API reference's patch strategies. */
const KEYS: Record<string, string> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  "ServiceAccount.secrets": "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  hostAliases: "ip",
  "containers.ports": "containerPort",
  "initContainers.ports": "containerPort",
  "ephemeralContainers.ports": "containerPort",
  "Service.spec.ports": "port",
  topologySpreadConstraints: "topologyKey",
  resourceClaims: "name",
  "status.conditions": "type",
  "CertificateSigningRequest.status.conditions": "",
  "CustomResourceDefinition.status.conditions": "",
  "Node.status.addresses": "type",
  "status.podIPs": "ip",
  "metadata.ownerReferences": "uid",
  webhooks: "name",
};

const SETS = ["metadata.finalizers", "Node.spec.podCIDRs", "Namespace.spec.finalizers"];

/** `path` starts with the kind: `Pod.spec.containers.ports`. */
export function listMergeOf(path: string): ListMerge {
  if (SETS.some((ending) => path.endsWith(ending))) return { by: "value" };
  let best = "";
  for (const ending of Object.keys(KEYS)) {
    if ((path === ending || path.endsWith(`.${ending}`)) && ending.length > best.length) best = ending;
  }
  const key = KEYS[best];
  return key === undefined || key === "" ? { by: "replace" } : { by: "key", key };
}
