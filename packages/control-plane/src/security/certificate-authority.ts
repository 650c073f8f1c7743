/** The cluster's certificate authority: P-256 keys kept in the database, certificates made on demand. */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import type { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Storage } from "../storage/storage.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_LIFETIME_MS = 3650 * DAY_MS;
/** Clocks of clients may be behind ours. */
const BACKDATE_MS = 5 * 60 * 1000;
const CA_NAME = "CN=kubernetes";

export type KeyPair = { certificatePem: string; privateKeyPem: string };

export type CertificateRequest = {
  subject: { commonName: string; organizations?: readonly string[] };
  lifetimeMs: number;
  usage: { client?: boolean; server?: boolean };
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
};

export type CertificateAuthority = {
  certificatePem: string;
  issue(request: CertificateRequest): Promise<KeyPair>;
  /** Signs the public key of a PKCS#10 request under the given subject. Returns PEM. */
  sign(csrPem: string, request: Omit<CertificateRequest, "subject">): Promise<string>;
  hasSigned(certificate: X509Certificate): boolean;
};

/** Reads the authority from the database, or makes it. */
export async function openCertificateAuthority(options: {
  storage: Storage;
  clock: Clock;
  random: Random;
}): Promise<CertificateAuthority> {
  const { storage, clock, random } = options;
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const serialNumber = (): string => Buffer.from([0x01, ...random.bytes(15)]).toString("hex");

  const validity = (lifetimeMs: number): { notBefore: Date; notAfter: Date } => ({
    notBefore: new Date(clock.now() - BACKDATE_MS),
    notAfter: new Date(clock.now() + lifetimeMs),
  });
  let certificatePem = storage.setting("ca-certificate");
  let privateKeyPem = storage.setting("ca-key");
  if (certificatePem === undefined || privateKeyPem === undefined) {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: CA_NAME,
      ...validity(CA_LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    certificatePem = `${certificate.toString("pem")}\n`;
    privateKeyPem = await exportKey(keys.privateKey);
    storage.setSetting("ca-certificate", certificatePem);
    storage.setSetting("ca-key", privateKeyPem);
  }
  const ca = new X509Certificate(certificatePem);
  const pkcs8 = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "der" });

  async function make(
    publicKey: webcrypto.CryptoKey,
    subject: string,
    request: Omit<CertificateRequest, "subject">,
  ): Promise<string> {
    const usages = [
      ...(request.usage.client === true ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ...(request.usage.server === true ? [x509.ExtendedKeyUsage.serverAuth] : []),
    ];
    const names = [
      ...(request.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
      ...(request.ipAddresses ?? [])
        .filter((value) => isIP(value) !== 0)
        .map((value) => ({ type: "ip" as const, value })),
    ];
    const signingKey = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: CA_NAME,
      ...validity(request.lifetimeMs),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension(usages),
        await x509.AuthorityKeyIdentifierExtension.create(await importSpki(ca)),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    });
    return `${certificate.toString("pem")}\n`;
  }

  return {
    certificatePem,
    async issue(request) {
      const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const subject = new x509.Name([
        ...(request.subject.organizations ?? []).map((organization) => ({ O: [organization] })),
        { CN: [request.subject.commonName] },
      ]).toString();
      return {
        certificatePem: await make(keys.publicKey, subject, request),
        privateKeyPem: await exportKey(keys.privateKey),
      };
    },
    async sign(csrPem, request) {
      const csr = new x509.Pkcs10CertificateRequest(csrPem);
      return make(await csr.publicKey.export(), csr.subject, request);
    },
    hasSigned: (certificate) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey),
  };
}

async function importSpki(certificate: X509Certificate): Promise<webcrypto.CryptoKey> {
  const spki = createPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" })).export({
    type: "spki",
    format: "der",
  });
  return crypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}
