/** Serves the admission webhooks over TLS until the signal aborts, with a certificate from files or of their own. */
import { createAdmissionHandler, type AllowsKubelet } from "@machine-controller/admission";
import type { KubeClient } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import type { Log } from "@machine-controller/controllers";
import type { ADMISSION_FLAGS, NODE_FLAGS } from "../flags/admission-flags.ts";
import type { FlagValues } from "../flags/define-flags.ts";
import type { Address } from "../flags/go-values.ts";
import { providerDefinitions } from "../providers.generated.ts";
import { UsageError } from "../usage-error.ts";
import { ensureManagedCertificate } from "./authority.ts";
import { readCertificateFiles, runCertificateReload, type ServingCertificate } from "./certificate-files.ts";
import { followKubeletSkew } from "./kubelet-skew.ts";
import { serveWebhook } from "./server.ts";

export type AdmissionFlags = FlagValues<typeof ADMISSION_FLAGS & typeof NODE_FLAGS>;

export type AdmissionOptions = {
  flags: AdmissionFlags;
  address: Address;
  /** Only for a certificate of their own and for the rule about the API server's version. */
  client: KubeClient | undefined;
  log: Log;
  clock: Clock;
  signal: AbortSignal;
  /** Told once it answers. */
  onServing?: (port: number) => void;
};

/** Where the certificate comes from: the first, and then every other until the signal aborts. */
type CertificateSource = {
  first: ServingCertificate;
  run(onChange: (certificate: ServingCertificate) => void): Promise<void>;
};

const RELOAD_MS = 10_000;
const MANAGED_CHECK_MS = 10_000;
const GRACE_MS = 8_000;

export async function serveAdmission(options: AdmissionOptions): Promise<void> {
  const { flags, address, log } = options;
  const source = await (flags.manageCertificate ? managed : fromFiles)(options);
  const skew = followKubeletSkew(options);
  const handle = createAdmissionHandler({
    providers: providerDefinitions,
    allowsKubelet: both(flags.kubernetesVersionConstraints, skew.allowsKubelet),
    kubeletFeatureGates: flags.nodeKubeletFeatureGates,
    externalCloudProvider: flags.nodeExternalCloudProvider,
    ...(flags.immutabilityBypassUsers.length > 0 && {
      mayBypassImmutability: (user: string) => flags.immutabilityBypassUsers.includes(user),
    }),
    onVerdict: (about, { allowed, message }) =>
      log(allowed ? "debug" : "info", allowed ? "admitted" : "refused", { ...about, ...(message && { message }) }),
  });
  const server = await serveWebhook({ handle, address, certificate: source.first });
  log("info", "serving webhooks", { port: server.port });
  options.onServing?.(server.port);
  await Promise.all([
    source.run((certificate) => {
      server.replaceCertificate(certificate);
      log("info", "serving with a new certificate");
    }),
    skew.run(),
  ]);
  await server.close({ graceMs: GRACE_MS });
}

const both =
  (one: AllowsKubelet, other: AllowsKubelet): AllowsKubelet =>
  (version) =>
    one(version) ?? other(version);

async function fromFiles({ flags, clock, log, signal }: AdmissionOptions): Promise<CertificateSource> {
  const paths = { cert: flags.tlsCertPath, key: flags.tlsKeyPath };
  const current = await readCertificateFiles(paths).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${reason}; mend -tls-cert-path and -tls-key-path, or use -manage-certificate`, { cause });
  });
  const onError = warnOf(log);
  const reload = { paths, current, clock, intervalMs: RELOAD_MS, onError, signal };
  return { first: current, run: (onChange) => runCertificateReload({ ...reload, onChange }) };
}

async function managed({ flags, client, clock, log, signal }: AdmissionOptions): Promise<CertificateSource> {
  if (client === undefined) throw new TypeError("a managed certificate needs a cluster");
  const { namespace, serviceName, certificateHosts: hosts, webhookConfiguration } = flags;
  const about = { client, namespace, serviceName, hosts, webhookConfiguration, signal };
  const ensure = () => ensureManagedCertificate({ ...about, nowMs: clock.now() });
  let current = await ensure();
  return {
    first: current,
    // Whoever applies the webhook configuration again may take the authority out of it.
    async run(onChange) {
      while (!signal.aborted) {
        await clock.sleep(MANAGED_CHECK_MS, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const next = await ensure().catch(warnOf(log));
        if (!next || next.certificatePem === current.certificatePem) continue;
        current = next;
        onChange(next);
      }
    },
  };
}

const warnOf =
  (log: Log) =>
  (error: unknown): void =>
    log("warn", `serving certificate: ${error instanceof Error ? error.message : String(error)}`);
