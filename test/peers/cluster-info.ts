// What kubeadm publishes for machines that are about to join.
import { kubernetesRequest, type KubernetesEndpoint } from "./kubernetes-request.ts";

/**
 * Creates the ConfigMap `kube-public/cluster-info`, and the Role that lets anybody read it. Its key `kubeconfig` holds
 * one cluster and no user; the control plane's bootstrap signer adds a signature for each bootstrap token.
 */
export async function publishClusterInfo(endpoint: KubernetesEndpoint, signal: AbortSignal): Promise<void> {
  const create = async (path: string, body: object): Promise<void> => {
    const answer = await kubernetesRequest(endpoint, { method: "POST", path, body, signal });
    // The API server creates kube-public too, some time after it is ready.
    if (answer.status === 201 || answer.status === 409) return;
    throw new Error(`creating ${path} for cluster-info failed: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public";
  const roleName = "kubeadm:bootstrap-signer-clusterinfo";

  await create("/api/v1/namespaces", { metadata: { name: "kube-public" } });
  await create("/api/v1/namespaces/kube-public/configmaps", {
    metadata: { name: "cluster-info" },
    data: { kubeconfig: clusterInfoKubeconfig(endpoint) },
  });
  await create(`${rbac}/roles`, {
    metadata: { name: roleName },
    rules: [{ apiGroups: [""], resources: ["configmaps"], resourceNames: ["cluster-info"], verbs: ["get"] }],
  });
  await create(`${rbac}/rolebindings`, {
    metadata: { name: roleName },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: roleName },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "system:anonymous" }],
  });
}

function clusterInfoKubeconfig({ server, caCertificatePem }: KubernetesEndpoint): string {
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(caCertificatePem).toString("base64")}
    server: ${server}
  name: ""
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`;
}
