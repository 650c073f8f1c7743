import { customResourceDefinitions } from "@machine-controller/api";
import { connectKubeconfig, coreResources } from "@machine-controller/kube-client";
import { startRealControlPlane } from "../../peers/real-control-plane.ts";
import { admissionSuite } from "./suite.ts";

admissionSuite("admission by a real API server", async () => {
  const started = await startRealControlPlane();
  if ("skipped" in started) throw new Error(started.skipped);
  const { client, close } = await connectKubeconfig({ kubeconfig: started.kubeconfigPath });
  const { signal } = new AbortController();
  for (const definition of customResourceDefinitions) {
    await client.create(coreResources.customResourceDefinitions, definition, { signal });
  }
  return {
    client,
    kubeconfig: started.kubeconfigPath,
    async close() {
      await close();
      await started.stop();
    },
  };
});
