/** The serving certificate of a kubelet with `serverTLSBootstrap`: asked for again until given, and when addresses change. */
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { KubeApi } from "./kube-api.ts";
import { requestCertificate } from "./kubelet-certificate.ts";
import type { KubeletOptions } from "./kubelet-options.ts";
import type { Random } from "./random.ts";

export type ServingCertificateContext = {
  api: KubeApi;
  options: KubeletOptions;
  addresses: () => readonly { type: string; address: string }[];
  disk: Disk;
  clock: Clock;
  random: Random;
  log: (line: string) => void;
  warn: (what: string, error: unknown) => void;
  save: () => void;
};

/** As long as the real one waits for an approval. */
const PATIENCE_MS = 15 * 60_000;
const CHECK_MS = 10_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 5 * 60_000;

/** Runs until the signal is aborted; then rejects. */
export async function keepServingCertificate(context: ServingCertificateContext, signal: AbortSignal): Promise<never> {
  const { api, options, disk, clock, random, log } = context;
  const pemPath = `${options.certDir}/kubelet-server-current.pem`;
  // Which hosts the certificate beside it is good for.
  const hostsPath = `${options.certDir}/kubelet-server-current.hosts`;
  for (let retryMs = FIRST_RETRY_MS; ;) {
    const hosts = [...new Set(context.addresses().map(({ address }) => address))];
    if (disk.read(hostsPath) === hosts.join()) {
      await clock.sleep(CHECK_MS, { signal });
      continue;
    }
    try {
      log(`kubelet: requesting a serving certificate for ${hosts.join(", ")}`);
      const { certificatePem, keyPem } = await requestCertificate(
        {
          subject: { commonName: `system:node:${options.nodeName}`, organization: "system:nodes", hosts },
          signerName: "kubernetes.io/kubelet-serving",
          usages: ["digital signature", "server auth"],
          namePrefix: "csr-",
        },
        { api, clock, random, signal, patienceMs: PATIENCE_MS },
      );
      disk.write(pemPath, certificatePem + keyPem, 0o600);
      disk.write(hostsPath, hosts.join());
      context.save();
      log("kubelet: serving certificate issued");
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      context.warn("get a serving certificate", error);
      await clock.sleep(retryMs, { signal });
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}
