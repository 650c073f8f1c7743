/** `machine-controller run`: the production controller, against any Kubernetes API. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import tls from "node:tls";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { runLeaderElection, systemClock } from "@machine-controller/kube-runtime";
import { runControllers } from "./compose.ts";
import { random01, systemRandom } from "./environment.ts";
import { createLog } from "./logging.ts";
import type { RunFlags } from "./run-flags.ts";
import { serveStatus } from "./serve-status.ts";
import { untilStopped } from "./stop-signals.ts";
import { UsageError } from "./usage-error.ts";

export async function run(flags: RunFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = createLog({ destination: 2, debug: flags.logDebug, format: flags.logFormat });
  if (flags.caBundle !== undefined) trustOnly(flags.caBundle);
  const signal = untilStopped({ onForced: () => process.exit(1) });
  const { client, server, close } = await connectKubeconfig({
    ...(flags.kubeconfig && { kubeconfig: flags.kubeconfig }),
    ...(flags.master && { master: flags.master }),
  });
  let leading = false;
  let synced = false;
  const status = await serveStatus({
    health: flags.healthProbeAddress,
    metrics: flags.metricsAddress,
    // A stand-by is ready to take over.
    isReady: () => synced || !leading,
    isReachable: async () => {
      await client.request("/version", { signal: AbortSignal.timeout(5_000) });
    },
  });
  const lead = (leaderSignal: AbortSignal): Promise<void> => {
    leading = true;
    log("info", "leading", { server });
    return runControllers(
      {
        client,
        log,
        environment,
        name: flags.name,
        workerCount: flags.workerCount,
        nodeCsrApprover: flags.nodeCsrApprover,
        externalCloudProvider: flags.nodeExternalCloudProvider,
        joinClusterTimeoutMs: flags.joinClusterTimeout || undefined,
        skipEvictionAfterMs: flags.skipEvictionAfter,
        apiServer: flags.overrideBootstrapKubeletApiserver || undefined,
        clusterDns: flags.clusterDns.split(",").filter(Boolean),
        kubeletFeatureGates: { RotateKubeletServerCertificate: true, ...flags.nodeKubeletFeatureGates },
        onSynced: () => {
          synced = true;
          log("info", "caches are filled; reconciling");
        },
      },
      leaderSignal,
    );
  };
  try {
    if (!flags.enableLeaderElection) return await lead(signal);
    await runLeaderElection({
      client,
      clock: systemClock,
      random: random01,
      namespace: flags.leaderElectionNamespace || "kube-system",
      name: flags.name ? `machine-controller-${flags.name}` : "machine-controller",
      identity: `${hostname()}_${Buffer.from(systemRandom.bytes(6)).toString("hex")}`,
      lead,
      signal,
      onError: (error) => log("warn", `leader election: ${error instanceof Error ? error.message : String(error)}`),
    });
  } finally {
    await status.close();
    await close();
  }
}

/** Cloud APIs are trusted by these authorities alone, as the Go implementation's flag has it. */
function trustOnly(path: string): void {
  try {
    tls.setDefaultCACertificates([readFileSync(path, "utf8")]);
  } catch (cause) {
    throw new UsageError(`--ca-bundle ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
