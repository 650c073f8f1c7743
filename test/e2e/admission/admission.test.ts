import { startEmbeddedCluster } from "../process/embedded-cluster.ts";
import { admissionSuite } from "./suite.ts";

admissionSuite("admission by the embedded API server", async () => {
  const { client, kubeconfig, stop } = await startEmbeddedCluster();
  return { client, kubeconfig, close: stop };
});
