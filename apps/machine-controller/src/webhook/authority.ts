/** An authority and serving certificate of the webhook's own, in a Secret that all replicas share. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  coreResources,
  defineResource,
  isKubeError,
  type KubeClient,
  type KubeObject,
} from "@machine-controller/kube-client";
import type { ServingCertificate } from "./certificate-files.ts";

const SECRET = "machine-controller-webhook-ca";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 3_600_000;
const CA_LIFETIME_MS = 3650 * DAY_MS;
const SERVING_LIFETIME_MS = 365 * DAY_MS;
const RENEW_BEFORE_MS = 90 * DAY_MS;
const BACKDATE_MS = 300_000;

type WebhookConfiguration = KubeObject & { webhooks?: { name: string; clientConfig: { caBundle?: string } }[] };
const mutatingWebhookConfigurations = defineResource<WebhookConfiguration>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
  namespaced: false,
});

export type AuthorityOptions = {
  client: KubeClient;
  namespace: string;
  serviceName: string;
  /** More names and addresses that the API server may reach the webhooks under. */
  hosts: readonly string[];
  webhookConfiguration: string;
  nowMs: number;
  signal: AbortSignal;
};

/**
 * The certificate to serve with, made or renewed if need be, after the webhook configuration was told of its authority.
 * Writes nothing where all is well. Of several replicas the first to write wins and the others take what it wrote.
 */
export async function ensureManagedCertificate(options: AuthorityOptions): Promise<ServingCertificate> {
  const { client, namespace, signal } = options;
  const ref = { namespace, name: SECRET };
  for (let attempt = 0; attempt < 3; attempt++) {
    const existing = await client.get(coreResources.secrets, ref, { signal }).catch((error: unknown) => {
      if (isKubeError(error, "NotFound")) return undefined;
      throw error;
    });
    const stored = decode(existing?.data);
    if (stored !== undefined && isGood(stored, options)) {
      await injectAuthority(options, stored.ca);
      return { certificatePem: stored.certificatePem, privateKeyPem: stored.privateKeyPem };
    }
    const made = encode(await makeCertificates(options, stored?.ca));
    try {
      if (existing === undefined) {
        await client.create(
          coreResources.secrets,
          { apiVersion: "v1", kind: "Secret", metadata: ref, type: "Opaque", data: made },
          { signal },
        );
      } else {
        await client.update(coreResources.secrets, { ...existing, data: made }, { signal });
      }
    } catch (error) {
      if (!isKubeError(error, "Conflict") && !isKubeError(error, "AlreadyExists")) throw error;
    }
  }
  throw new Error(`Secret ${namespace}/${SECRET} keeps changing; look for what else writes it`);
}

type Certificates = ServingCertificate & { ca: string };

/**
 * A new authority with every new certificate: nothing but the webhook configuration trusts it, and that is told first. The
 * authority before it stays trusted, for replicas that still serve with its certificate.
 */
async function makeCertificates(options: AuthorityOptions, previous: string | undefined): Promise<Certificates> {
  const { serviceName, nowMs } = options;
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const notBefore = new Date(nowMs - BACKDATE_MS);
  const caKeys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=machine-controller-webhook-ca",
    notBefore,
    notAfter: new Date(nowMs + CA_LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${serviceName}`,
    issuer: authority.subject,
    notBefore,
    notAfter: new Date(nowMs + SERVING_LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        hostsOf(options).map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return {
    // The authority's key is forgotten: it has signed all it ever will.
    ca: `${authority.toString("pem")}\n${firstOf(previous)}`,
    certificatePem: `${certificate.toString("pem")}\n`,
    privateKeyPem: key.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

async function injectAuthority(options: AuthorityOptions, ca: string): Promise<void> {
  const { client, webhookConfiguration: name, signal } = options;
  const caBundle = Buffer.from(ca).toString("base64");
  const { webhooks = [] } = await client.get(mutatingWebhookConfigurations, { name }, { signal });
  const body = webhooks.flatMap((webhook, index) =>
    webhook.clientConfig.caBundle === caBundle
      ? []
      : [
          { op: "test", path: `/webhooks/${index}/name`, value: webhook.name },
          { op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
        ],
  );
  if (body.length > 0) await client.patch(mutatingWebhookConfigurations, { name }, { type: "json", body }, { signal });
}

function isGood(stored: Certificates, options: AuthorityOptions): boolean {
  try {
    const certificate = new X509Certificate(stored.certificatePem);
    return (
      certificate.validToDate.getTime() - options.nowMs > RENEW_BEFORE_MS &&
      certificate.verify(new X509Certificate(stored.ca).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(stored.privateKeyPem)) &&
      hostsOf(options).every((host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)))
    );
  } catch {
    return false;
  }
}

const hostsOf = ({ namespace, serviceName, hosts }: AuthorityOptions): string[] => [
  `${serviceName}.${namespace}.svc`,
  `${serviceName}.${namespace}.svc.cluster.local`,
  ...hosts,
];

/** The newest authority of a bundle; "" where there is none that can be read. */
function firstOf(bundle: string | undefined): string {
  try {
    return bundle === undefined ? "" : new X509Certificate(bundle).toString();
  } catch {
    return "";
  }
}

const KEYS = { ca: "ca.crt", certificatePem: "tls.crt", privateKeyPem: "tls.key" } as const;

function decode(data: Record<string, string> = {}): Certificates | undefined {
  const [ca, certificatePem, privateKeyPem] = [KEYS.ca, KEYS.certificatePem, KEYS.privateKeyPem].map((key) =>
    Buffer.from(data[key] ?? "", "base64").toString(),
  );
  return ca && certificatePem && privateKeyPem ? { ca, certificatePem, privateKeyPem } : undefined;
}

const encode = (made: Certificates): Record<string, string> =>
  Object.fromEntries(
    Object.entries(KEYS).map(([name, key]) => [key, Buffer.from(made[name as keyof Certificates]).toString("base64")]),
  );
