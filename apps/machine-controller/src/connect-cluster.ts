/** The cluster that the flags name. */
import { connectKubeconfig, type KubeClient } from "@machine-controller/kube-client";

export type ClusterConnection = { client: KubeClient; server: string; close: () => Promise<void> };

/** @throws KubeError InvalidKubeconfig where there is none. Does not talk to it yet. */
export function connectCluster(flags: { kubeconfig: string; master: string }): Promise<ClusterConnection> {
  return connectKubeconfig({
    ...(flags.kubeconfig && { kubeconfig: flags.kubeconfig }),
    ...(flags.master && { master: flags.master }),
  });
}
