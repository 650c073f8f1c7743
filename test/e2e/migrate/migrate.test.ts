import { startEmbeddedCluster } from "../process/embedded-cluster.ts";
import { migrationSuite } from "./suite.ts";

migrationSuite("migration on the embedded API server", async () => {
  const { client, kubeconfig, stop } = await startEmbeddedCluster();
  return { client, kubeconfig, close: stop };
});
