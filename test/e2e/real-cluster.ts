// A real control plane with our CRDs, as a cluster for commands in processes of their own.
import { customResourceDefinitions } from "@machine-controller/api";
import { connectKubeconfig, coreResources, type KubeClient } from "@machine-controller/kube-client";
import { startRealControlPlane } from "../peers/real-control-plane.ts";

export async function startRealCluster(): Promise<{
  client: KubeClient;
  kubeconfig: string;
  close: () => Promise<void>;
}> {
  const started = await startRealControlPlane();
  if ("skipped" in started) throw new Error(started.skipped);
  const { kubeconfigPath: kubeconfig } = started;
  const { client, close } = await connectKubeconfig({ kubeconfig });
  const { signal } = new AbortController();
  for (const definition of customResourceDefinitions) {
    await client.create(coreResources.customResourceDefinitions, definition, { signal });
  }
  return {
    client,
    kubeconfig,
    async close() {
      await close();
      await started.stop();
    },
  };
}
