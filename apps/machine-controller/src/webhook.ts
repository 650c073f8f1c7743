/** `machine-controller webhook`: admission of Machines, MachineSets and MachineDeployments over TLS. */
import { createAdmissionHandler } from "@machine-controller/admission";
import { connectKubeconfig } from "@machine-controller/kube-client";
import { systemClock } from "@machine-controller/kube-runtime";
import { createLog } from "./logging.ts";
import { providerDefinitions } from "./providers.generated.ts";
import { untilStopped } from "./stop-signals.ts";
import { UsageError } from "./usage-error.ts";
import { ensureManagedCertificate } from "./webhook-authority.ts";
import { readCertificateFiles, runCertificateReload, type ServingCertificate } from "./webhook-certificate-files.ts";
import type { WebhookFlags } from "./webhook-flags.ts";
import { serveWebhook } from "./webhook-server.ts";

const RELOAD_MS = 10_000;
const MANAGED_CHECK_MS = 30_000;
const GRACE_MS = 10_000;

/** Where the certificate comes from: the first, and then every other until the signal aborts. */
type CertificateSource = {
  first: ServingCertificate;
  run(onChange: (certificate: ServingCertificate) => void): Promise<void>;
  close(): Promise<void>;
};

export async function webhook(flags: WebhookFlags): Promise<void> {
  const log = createLog({ destination: 2, debug: flags.logDebug, format: flags.logFormat });
  const signal = untilStopped({ onForced: () => process.exit(1) });
  const onError = (error: unknown): void =>
    log("warn", `serving certificate: ${error instanceof Error ? error.message : String(error)}`);
  const source = await (flags.manageCertificate ? managed : fromFiles)(flags, { signal, onError });
  const bypassUsers = flags.immutabilityBypassUsers.split(",").filter(Boolean);
  const handle = createAdmissionHandler({
    providers: new Map(providerDefinitions.map((definition) => [definition.name, definition])),
    allowsKubelet: flags.kubernetesVersionConstraints,
    kubeletFeatureGates: { RotateKubeletServerCertificate: true, ...flags.nodeKubeletFeatureGates },
    externalCloudProvider: flags.nodeExternalCloudProvider,
    ...(bypassUsers.length > 0 && { mayBypassImmutability: (user: string) => bypassUsers.includes(user) }),
    onVerdict: (about, { allowed, message }) =>
      log(allowed ? "debug" : "info", allowed ? "admitted" : "refused", { ...about, ...(message && { message }) }),
  });
  try {
    const server = await serveWebhook({ handle, address: flags.listenAddress, certificate: source.first });
    log("info", "serving webhooks", { port: server.port });
    await source.run((certificate) => {
      server.replaceCertificate(certificate);
      log("info", "serving with a new certificate");
    });
    await server.close({ graceMs: GRACE_MS });
  } finally {
    await source.close();
  }
}

type Watch = { signal: AbortSignal; onError: (error: unknown) => void };

async function fromFiles(flags: WebhookFlags, watch: Watch): Promise<CertificateSource> {
  const paths = { cert: flags.tlsCertPath, key: flags.tlsKeyPath };
  const first = await readCertificateFiles(paths).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${reason}; mend --tls-cert-path and --tls-key-path, or use --manage-certificate`, { cause });
  });
  return {
    first,
    run: (onChange) =>
      runCertificateReload({ paths, current: first, clock: systemClock, intervalMs: RELOAD_MS, onChange, ...watch }),
    close: async () => undefined,
  };
}

async function managed(flags: WebhookFlags, { signal, onError }: Watch): Promise<CertificateSource> {
  const { client, close } = await connectKubeconfig({
    ...(flags.kubeconfig && { kubeconfig: flags.kubeconfig }),
    ...(flags.master && { master: flags.master }),
  });
  const { namespace, serviceName, webhookConfiguration } = flags;
  const ensure = () =>
    ensureManagedCertificate({
      client,
      namespace,
      serviceName,
      webhookConfiguration,
      nowMs: systemClock.now(),
      signal,
    });
  let current = await ensure();
  return {
    first: current,
    // Whoever applies the webhook configuration again may take the authority out of it.
    async run(onChange) {
      while (!signal.aborted) {
        await systemClock.sleep(MANAGED_CHECK_MS, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const next = await ensure().catch(onError);
        if (!next || next.certificatePem === current.certificatePem) continue;
        current = next;
        onChange(next);
      }
    },
    close,
  };
}
