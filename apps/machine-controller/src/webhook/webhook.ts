/** `machine-controller webhook`: admission of Machines, MachineSets and MachineDeployments, in a process of its own. */
import { systemClock } from "@machine-controller/kube-runtime";
import { connectCluster } from "../connect-cluster.ts";
import type { WebhookFlags } from "../flags/webhook-flags.ts";
import { createLog } from "../log/log.ts";
import { runToEnd } from "../process-end.ts";
import { serveAdmission } from "./serve-admission.ts";

export async function webhook(flags: WebhookFlags): Promise<void> {
  const log = createLog({ destination: 2, debug: flags.logDebug, format: flags.logFormat });
  await runToEnd(log, async (signal) => {
    const needsCluster = flags.manageCertificate || flags.kubernetesVersionSkew !== undefined;
    const connection = needsCluster ? await connectCluster(flags) : undefined;
    try {
      const { listenAddress: address } = flags;
      await serveAdmission({ flags, address, client: connection?.client, log, clock: systemClock, signal });
    } finally {
      await connection?.close();
    }
  });
}
