/** What instances are marked with, so that clusters that share a cloud account know their own. */
import type { Log } from "@machine-controller/controllers";
import { coreResources, isKubeError, type KubeClient } from "@machine-controller/kube-client";

/** UID of Namespace `kube-system`; undefined where the role does not allow to read it, as that of the Go implementation. */
export async function readClusterUid(client: KubeClient, log: Log, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.get(coreResources.namespaces, { name: "kube-system" }, { signal })).metadata.uid;
  } catch (error) {
    if (!isKubeError(error, "Forbidden")) throw error;
    log(
      "warn",
      "instances get no mark of this cluster, and orphans are not looked for: grant get of Namespace kube-system",
    );
    return undefined;
  }
}
