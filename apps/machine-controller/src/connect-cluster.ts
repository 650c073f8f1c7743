/** The cluster that the flags name. */
import { connectKubeconfig, type KubeClient } from "@machine-controller/kube-client";
import { aroundTransport } from "./observe/around-transport.ts";
import type { Around } from "./observe/work.ts";

export type ClusterConnection = { client: KubeClient; server: string; close: () => Promise<void> };

/** @throws KubeError InvalidKubeconfig where there is none. Does not talk to it yet. */
export function connectCluster(
  flags: { kubeconfig: string; master: string },
  around: Around = (_work, run) => run(),
): Promise<ClusterConnection> {
  return connectKubeconfig({
    wrap: aroundTransport(around),
    ...(flags.kubeconfig && { kubeconfig: flags.kubeconfig }),
    ...(flags.master && { master: flags.master }),
  });
}
