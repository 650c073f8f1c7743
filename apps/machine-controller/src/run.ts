/** `machine-controller run`: the production controller, against any Kubernetes API. */
import { readFileSync } from "node:fs";
import tls from "node:tls";
import { systemClock } from "@machine-controller/kube-runtime";
import { runControllers } from "./compose.ts";
import { connectCluster } from "./connect-cluster.ts";
import { elect } from "./elect.ts";
import { toFlagName } from "./flags/define-flags.ts";
import type { RunFlags } from "./flags/run-flags.ts";
import { createLogContext } from "./log/log-context.ts";
import { createLog } from "./log/log.ts";
import { createRedactor } from "./log/redactor.ts";
import { createMetrics } from "./metrics/registry.ts";
import { inside } from "./observe/work.ts";
import { requiredPermissions } from "./permissions/required-permissions.ts";
import { watchPermissions } from "./permissions/watch-permissions.ts";
import { runToEnd } from "./process-end.ts";
import { runTogether } from "./run-together.ts";
import { createApiServerCheck } from "./status/api-server-check.ts";
import { answerHealth } from "./status/health-checks.ts";
import { createLiveness } from "./status/liveness.ts";
import { createProfilingPage } from "./status/profiling.ts";
import { serveStatus, type StatusPage } from "./status/serve-status.ts";
import { UsageError } from "./usage-error.ts";
import { startTracing } from "./tracing/tracing.ts";
import { versionOf } from "./version.ts";
import { serveAdmission } from "./webhook/serve-admission.ts";

export async function run(flags: RunFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  if (flags.caBundle !== "") trustOnly(flags.caBundle);
  const clock = systemClock;
  const redactor = createRedactor();
  const logContext = createLogContext();
  const { redact } = redactor;
  const log = createLog({
    destination: 2,
    debug: flags.logDebug,
    format: flags.logFormat,
    redact,
    context: logContext.current,
  });
  // Differently named controllers share a namespace without shutting each other out.
  const leaseName = flags.name ? `machine-controller-${flags.name}` : "machine-controller";
  const version = versionOf(environment);
  const metrics = createMetrics({ clock, version, leaseName, workerCount: flags.workerCount });
  const liveness = createLiveness({ clock });

  await runToEnd(log, async (signal) => {
    await using stack = new AsyncDisposableStack();
    const tracing = await startTracing({ environment, version, redact });
    if (tracing) stack.defer(tracing.close);
    const around = tracing ? inside(tracing.around, metrics.around) : metrics.around;
    const { client, server, close } = await connectCluster(flags, around);
    stack.defer(close);
    log("info", "starting", { version, server });

    let waitsForCaches = false;
    const caches = () => {
      if (waitsForCaches) throw new Error("the caches are not filled yet");
    };
    // Go's manifests take /readyz for the liveness probe, and /healthz for the readiness probe.
    const health = {
      readyz: liveness.checks,
      livez: liveness.checks,
      healthz: { "apiserver-connection": createApiServerCheck({ client, clock }), caches },
    };
    const serve = async (flag: "healthProbeAddress" | "metricsAddress", pages: StatusPage[]) => {
      const { close } = await serveStatus({ address: flags[flag], flag: `-${toFlagName(flag)}`, pages });
      stack.defer(close);
    };
    await serve("healthProbeAddress", [(url) => answerHealth(health, url)]);
    await serve("metricsAddress", [
      async (url) => (url === "/metrics" ? { status: 200, ...(await metrics.page()) } : undefined),
      ...(flags.enableProfiling ? [createProfilingPage()] : []),
    ]);

    const lead = async (leaderSignal: AbortSignal): Promise<void> => {
      waitsForCaches = true;
      metrics.setLeading(true);
      log("info", "leading", { server });
      await runControllers(
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
          orphans:
            flags.orphanCollection === "off" ? undefined : { mode: flags.orphanCollection, graceMs: flags.orphanGrace },
          updateMetadataInPlace: flags.updateMetadataInPlace,
          apiServer: flags.overrideBootstrapKubeletApiserver || undefined,
          clusterDns: flags.clusterDns,
          kubeletFeatureGates: flags.nodeKubeletFeatureGates,
          observers: {
            redactor,
            logContext,
            around,
            onBudget: metrics.addBudget,
            onOrphans: metrics.setOrphans,
            onCreated(created) {
              metrics.watch(created);
              liveness.watch(created.controllers);
            },
          },
          onSynced: () => {
            waitsForCaches = false;
            log("info", "caches are filled; reconciling");
          },
        },
        leaderSignal,
      );
    };

    const { nodeCsrApprover, webhookListenAddress: address } = flags;
    const leaderElectionNamespace = flags.enableLeaderElection ? flags.leaderElectionNamespace : undefined;
    const permissions = requiredPermissions({
      leaderElectionNamespace,
      nodeCsrApprover,
      orphans: flags.orphanCollection !== "off",
    });
    await runTogether(signal, [
      (stop) =>
        leaderElectionNamespace === undefined
          ? lead(stop)
          : elect({
              client,
              log,
              lead,
              signal: stop,
              namespace: leaderElectionNamespace,
              name: leaseName,
              ...liveness,
            }),
      (stop) =>
        watchPermissions({ client, permissions, clock, log, signal: stop, onMissing: metrics.setMissingPermissions }),
      ...(address ? [(stop: AbortSignal) => serveAdmission({ flags, address, client, log, clock, signal: stop })] : []),
    ]);
  });
}

/** Cloud APIs are trusted by these authorities alone, as the Go implementation's flag has it. */
function trustOnly(path: string): void {
  try {
    tls.setDefaultCACertificates([readFileSync(path, "utf8")]);
  } catch (cause) {
    throw new UsageError(`-ca-bundle ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
