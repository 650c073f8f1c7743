/** The least that a kubelet does to join: it registers its Node, and reports it Ready a little later. */
import { providerIdOf } from "@machine-controller/api/well-known";
import { coreResources, isKubeError, type KubeClient, type Node } from "@machine-controller/kube-client";

export type Server = {
  id: number;
  name: string;
  labels: Record<string, string>;
  public_net: { ipv4: { ip: string } | null };
};

/** Writes of this to the API server. */
export const WRITES_OF_NODE = 2;

export async function joinNode(client: KubeClient, server: Server, signal: AbortSignal): Promise<void> {
  await settle(() => client.create(coreResources.nodes, nodeOf(server, "False"), { signal }));
  const body = { status: { conditions: nodeOf(server, "True").status?.conditions } };
  const patch = { type: "merge", body } as const;
  await settle(() =>
    client.patch(coreResources.nodes, { name: server.name }, patch, { subresource: "status", signal }),
  );
}

/** A Node that is there already, or that was deleted meanwhile, is as good. */
async function settle(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === "AlreadyExists" || error.code === "NotFound") return;
      if (!error.retryable) throw error;
    }
  }
}

export function nodeOf({ name, labels, public_net }: Server, ready: "True" | "False"): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" } },
    spec: { providerID: providerIdOf("hetzner", labels["machine-uid"] ?? "") },
    status: {
      addresses: [
        { type: "InternalIP", address: public_net.ipv4?.ip ?? "" },
        { type: "Hostname", address: name },
      ],
      conditions: [
        {
          type: "Ready",
          status: ready,
          reason: ready === "True" ? "KubeletReady" : "KubeletNotReady",
          message: "",
          lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
        },
      ],
      nodeInfo: {
        kubeletVersion: "v1.36.2",
        containerRuntimeVersion: "containerd://2.2.0",
        osImage: "Ubuntu 24.04 LTS",
        kernelVersion: "6.8.0",
        operatingSystem: "linux",
        architecture: "amd64",
        kubeProxyVersion: "",
        machineID: "",
        systemUUID: "",
        bootID: "",
      },
    },
  };
}
