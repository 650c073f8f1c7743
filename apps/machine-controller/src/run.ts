/** `machine-controller run`: the production controller, against any Kubernetes API. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import tls from "node:tls";
import type { Log } from "@machine-controller/controllers";
import { runLeaderElection, systemClock } from "@machine-controller/kube-runtime";
import { collectDefaultMetrics, Registry } from "prom-client";
import { runControllers } from "./compose.ts";
import { connectCluster } from "./connect-cluster.ts";
import { random01, systemRandom } from "./environment.ts";
import type { RunFlags } from "./flags/run-flags.ts";
import { createLogContext } from "./log/log-context.ts";
import { createLog } from "./log/log.ts";
import { createRedactor } from "./log/redactor.ts";
import { runToEnd } from "./process-end.ts";
import { createApiServerCheck } from "./status/api-server-check.ts";
import { answerHealth } from "./status/health-checks.ts";
import { serveStatus } from "./status/serve-status.ts";
import { UsageError } from "./usage-error.ts";
import { serveAdmission } from "./webhook/serve-admission.ts";

/** Another leader may act this long after the renewal deadline has passed: by then nothing of this one may go on. */
const LOST_GRACE_MS = 4_000;

export async function run(flags: RunFlags, environment: NodeJS.ProcessEnv): Promise<void> {
  if (flags.caBundle !== "") trustOnly(flags.caBundle);
  const redactor = createRedactor();
  const context = createLogContext();
  const log = createLog({
    destination: 2,
    debug: flags.logDebug,
    format: flags.logFormat,
    redact: redactor.redact,
    context: context.current,
  });
  await runToEnd(log, async (signal) => {
    await using stack = new AsyncDisposableStack();
    const { client, server, close } = await connectCluster(flags);
    stack.defer(close);
    let waitsForCaches = false;
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const health = {
      // Go's manifests take this one for the liveness probe, and the other for the readiness probe.
      readyz: { alive: () => undefined },
      livez: { alive: () => undefined },
      healthz: {
        "apiserver-connection": createApiServerCheck({ client, clock: systemClock }),
        caches() {
          if (waitsForCaches) throw new Error("the caches are not filled yet");
        },
      },
    };
    const probes = await serveStatus({
      address: flags.healthProbeAddress,
      flag: "-health-probe-address",
      pages: [(url) => answerHealth(health, url)],
    });
    stack.defer(probes.close);
    const metrics = await serveStatus({
      address: flags.metricsAddress,
      flag: "-metrics-address",
      pages: [
        async (url) =>
          url === "/metrics" ? { status: 200, text: await registry.metrics(), type: registry.contentType } : undefined,
      ],
    });
    stack.defer(metrics.close);

    const lead = async (leaderSignal: AbortSignal): Promise<void> => {
      waitsForCaches = true;
      log("info", "leading", { server });
      await runControllers(
        {
          client,
          log,
          conceal: redactor.conceal,
          redact: redactor.redact,
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
          onSynced: () => {
            waitsForCaches = false;
            log("info", "caches are filled; reconciling");
          },
        },
        leaderSignal,
      );
    };
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    const parts = [flags.enableLeaderElection ? elect({ flags, client, log, lead, signal: stop }) : lead(stop)];
    if (flags.webhookListenAddress) {
      const connect = async () => client;
      const address = flags.webhookListenAddress;
      parts.push(serveAdmission({ flags, address, connect, log, clock: systemClock, signal: stop }));
    }
    await Promise.all(
      parts.map((part) =>
        part.catch((error: unknown) => {
          if (stop.aborted) return;
          failed.abort(error);
          throw error;
        }),
      ),
    );
  });
}

/** @throws LeaderElectionError where leadership was lost. */
function elect(options: {
  flags: RunFlags;
  client: Parameters<typeof runLeaderElection>[0]["client"];
  log: Log;
  lead: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}): Promise<void> {
  const { flags, client, log, lead, signal } = options;
  return runLeaderElection({
    client,
    clock: systemClock,
    random: random01,
    namespace: flags.leaderElectionNamespace,
    // Differently named controllers share a namespace without shutting each other out.
    name: flags.name ? `machine-controller-${flags.name}` : "machine-controller",
    identity: `${hostname()}_${Buffer.from(systemRandom.bytes(6)).toString("hex")}`,
    lead(leaderSignal) {
      leaderSignal.addEventListener("abort", () => {
        if (signal.aborted) return;
        log("error", "leadership is lost; ending", { reason: String(leaderSignal.reason) });
        setTimeout(() => process.exit(1), LOST_GRACE_MS).unref();
      });
      return lead(leaderSignal);
    },
    signal,
    onError: (error) => log("warn", `leader election: ${error instanceof Error ? error.message : String(error)}`),
    onNewLeader: (identity) => log("info", "the leader is", { identity }),
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
