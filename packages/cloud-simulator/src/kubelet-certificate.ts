/** A kubelet's way to a certificate: a key, a request for it, and waiting until somebody has decided. */
import { createCertificateRequest, type CertificateSubject } from "./certificate-request.ts";
import type { Clock } from "./clock.ts";
import { isStatus, type KubeApi } from "./kube-api.ts";
import type { Random } from "./random.ts";

export type CertificateOrder = {
  subject: CertificateSubject;
  signerName: string;
  usages: readonly string[];
  /** The rest of the request's name follows from its key. */
  namePrefix: string;
};

export type CertificateContext = { api: KubeApi; clock: Clock; random: Random; signal: AbortSignal };

export class CertificateRefusedError extends Error {}

const CSR_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const FIRST_POLL_MS = 100;
/** A person may be the one to approve. */
const MAX_POLL_MS = 30_000;

/** Without `patienceMs` it waits for ever. Throws `CertificateRefusedError` when denied, failed or out of patience. */
export async function requestCertificate(
  { subject, signerName, usages, namePrefix }: CertificateOrder,
  { api, clock, random, signal, patienceMs = Infinity }: CertificateContext & { patienceMs?: number },
): Promise<{ keyPem: string; certificatePem: string }> {
  const { keyPem, requestPem, fingerprint } = createCertificateRequest(subject, random);
  const name = namePrefix + fingerprint;
  const body = {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec: { request: Buffer.from(requestPem).toString("base64"), signerName, usages },
  };
  try {
    await api({ method: "POST", path: CSR_PATH, body, signal });
  } catch (error) {
    // The name follows from the key: it is this machine's own request, made before it was cut off.
    if (!isStatus(error, 409)) throw error;
  }
  const deadline = clock.now() + patienceMs;
  for (let waitMs = FIRST_POLL_MS; clock.now() < deadline; waitMs = Math.min(waitMs * 1.5, MAX_POLL_MS)) {
    await clock.sleep(waitMs, { signal });
    const { status } = (await api({ method: "GET", path: `${CSR_PATH}/${name}`, signal })) as {
      status?: { certificate?: string; conditions?: { type: string; message?: string }[] };
    };
    if (status?.certificate) return { keyPem, certificatePem: Buffer.from(status.certificate, "base64").toString() };
    const refusal = status?.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
    if (refusal !== undefined) throw new CertificateRefusedError(`${refusal.type}: ${refusal.message ?? ""}`);
  }
  throw new CertificateRefusedError(`nobody approved ${name} within ${patienceMs / 60_000} minutes`);
}
