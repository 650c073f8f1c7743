/** `machine-controller webhook`: admission of Machines, MachineSets and MachineDeployments, in a process of its own. */
import { systemClock } from "@machine-controller/kube-runtime";
import { type ClusterConnection, connectCluster } from "../connect-cluster.ts";
import type { WebhookFlags } from "../flags/webhook-flags.ts";
import { createLog } from "../log/log.ts";
import { runToEnd } from "../process-end.ts";
import { serveAdmission } from "./serve-admission.ts";

export async function webhook(flags: WebhookFlags): Promise<void> {
  const log = createLog({ destination: 2, debug: flags.logDebug, format: flags.logFormat });
  await runToEnd(log, async (signal) => {
    // With a certificate from files and no rule about the API server's version, none is needed.
    let connection: ClusterConnection | undefined;
    const connect = async () => (connection ??= await connectCluster(flags)).client;
    try {
      await serveAdmission({ flags, address: flags.listenAddress, connect, log, clock: systemClock, signal });
    } finally {
      await connection?.close();
    }
  });
}
