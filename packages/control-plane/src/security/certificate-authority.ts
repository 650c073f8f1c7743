/** The cluster's certificate authority: P-256 keys kept in the database, certificates made on demand. */
import { createPrivateKey, createPublicKey, KeyObject, X509Certificate } from "node:crypto";
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

/** A new authority's certificate and key. Whoever opens many control planes makes one and passes it to each. */
export async function createAuthorityKeys({ clock, random }: { clock: Clock; random: Random }): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: CA_NAME,
    ...validity(clock, CA_LIFETIME_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: exportKey(keys.privateKey) };
}

/** Reads the authority from the database; a new database takes the given keys, or new ones. */
export async function openCertificateAuthority(options: {
  storage: Storage;
  clock: Clock;
  random: Random;
  keys?: KeyPair | undefined;
}): Promise<CertificateAuthority> {
  const { storage, clock, random } = options;
  const { certificatePem, privateKeyPem } = readKeys(storage) ?? options.keys ?? (await createAuthorityKeys(options));
  if (readKeys(storage) === undefined) {
    storage.setSetting("ca-certificate", certificatePem);
    storage.setSetting("ca-key", privateKeyPem);
  }
  const ca = new X509Certificate(certificatePem);

  async function make(
    publicKey: webcrypto.CryptoKey,
    subject: string,
    request: Omit<CertificateRequest, "subject">,
  ): Promise<string> {
    const x509 = await loadX509();
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
    const pkcs8 = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "der" });
    const signingKey = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(random),
      subject,
      issuer: CA_NAME,
      ...validity(clock, request.lifetimeMs),
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
      const x509 = await loadX509();
      const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const subject = new x509.Name([
        ...(request.subject.organizations ?? []).map((organization) => ({ O: [organization] })),
        { CN: [request.subject.commonName] },
      ]).toString();
      return {
        certificatePem: await make(keys.publicKey, subject, request),
        privateKeyPem: exportKey(keys.privateKey),
      };
    },
    async sign(csrPem, request) {
      const x509 = await loadX509();
      const csr = new x509.Pkcs10CertificateRequest(csrPem);
      return make(await csr.publicKey.export(), csr.subject, request);
    },
    hasSigned: (certificate) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey),
  };
}

/** Heavy, and needed only where certificates are made. */
async function loadX509() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

function readKeys(storage: Storage): KeyPair | undefined {
  const certificatePem = storage.setting("ca-certificate");
  const privateKeyPem = storage.setting("ca-key");
  return certificatePem === undefined || privateKeyPem === undefined ? undefined : { certificatePem, privateKeyPem };
}

function serialNumber(random: Random): string {
  return Buffer.from([0x01, ...random.bytes(15)]).toString("hex");
}

function validity(clock: Clock, lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(clock.now() - BACKDATE_MS), notAfter: new Date(clock.now() + lifetimeMs) };
}

async function importSpki(certificate: X509Certificate): Promise<webcrypto.CryptoKey> {
  const spki = createPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" })).export({
    type: "spki",
    format: "der",
  });
  return crypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]);
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();
}
