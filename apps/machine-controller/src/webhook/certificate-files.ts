/** A serving certificate in two files, as a mounted Secret or cert-manager keeps it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "@machine-controller/kube-client";

export type ServingCertificate = { certificatePem: string; privateKeyPem: string };

/** @throws Error where a file cannot be read or the key is not the certificate's. */
export async function readCertificateFiles(paths: { cert: string; key: string }): Promise<ServingCertificate> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readFile(paths.cert, "utf8"),
    readFile(paths.key, "utf8"),
  ]);
  if (!new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))) {
    throw new Error(`${paths.key} is not the key of ${paths.cert}`);
  }
  return { certificatePem, privateKeyPem };
}

/** Until the signal aborts: reads again when a folder changes, and from time to time, since not every mount tells. */
export async function runCertificateReload(options: {
  paths: { cert: string; key: string };
  current: ServingCertificate;
  clock: Clock;
  intervalMs: number;
  signal: AbortSignal;
  onChange: (certificate: ServingCertificate) => void;
  onError: (error: unknown) => void;
}): Promise<void> {
  const { paths, clock, signal } = options;
  let current = options.current;
  let wake = new AbortController();
  const watchers = [...new Set([dirname(paths.cert), dirname(paths.key)])].map((folder) =>
    watch(folder, { signal }, () => wake.abort()).on("error", options.onError),
  );
  while (!signal.aborted) {
    wake = new AbortController();
    await clock.sleep(options.intervalMs, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
    if (signal.aborted) break;
    try {
      const read = await readCertificateFiles(paths);
      if (read.certificatePem === current.certificatePem && read.privateKeyPem === current.privateKeyPem) continue;
      current = read;
      options.onChange(read);
    } catch (error) {
      // Two files cannot be replaced at once: the old pair serves until the new one fits together.
      options.onError(error);
    }
  }
  for (const watcher of watchers) watcher.close();
}
