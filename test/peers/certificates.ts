// The keys and certificates (RFC 5280) of a throw-away cluster, and requests for more of them (RFC 2986).
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  utcTime,
  utf8String,
  type Der,
} from "./der.ts";

/** All PEM; private keys in the SEC 1 form, the only one that kube-apiserver takes a public key from. */
export interface ClusterCertificates {
  caCertificate: string;
  caKey: string;
  /** For servers on 127.0.0.1. */
  servingCertificate: string;
  servingKey: string;
  serviceAccountKey: string;
}

export interface Subject {
  commonName: string;
  organization?: string;
}

const VALID_MS = 24 * 60 * 60 * 1000;
const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

export function createClusterCertificates(): ClusterCertificates {
  const [ca, serving, serviceAccount] = [createKeys(), createKeys(), createKeys()];
  const issuer: Subject = { commonName: "kubernetes" };
  return {
    caCertificate: createCertificate({
      issuer,
      issuerKey: ca.privateKey,
      subject: issuer,
      publicKey: ca.publicKey,
      extensions: [
        extension("2.5.29.19", sequence(boolean(true))), // basic constraints: a CA
        extension("2.5.29.15", bitString(Uint8Array.of(0b1000_0100), 2)), // key usage: digitalSignature, keyCertSign
      ],
    }),
    caKey: privateKeyPem(ca.privateKey),
    servingCertificate: createCertificate({
      issuer,
      issuerKey: ca.privateKey,
      subject: { commonName: "kube-apiserver" },
      publicKey: serving.publicKey,
      extensions: [
        extension("2.5.29.15", bitString(Uint8Array.of(0b1000_0000), 7)), // key usage: digitalSignature
        extension("2.5.29.37", sequence(objectIdentifier("1.3.6.1.5.5.7.3.1"))), // extended key usage: serverAuth
        extension("2.5.29.17", sequence(implicit(7, Uint8Array.of(127, 0, 0, 1)))), // alternative name: IP address
      ],
    }),
    servingKey: privateKeyPem(serving.privateKey),
    serviceAccountKey: privateKeyPem(serviceAccount.privateKey),
  };
}

/** A new key and a PKCS #10 request to certify it, as a kubelet makes them. Both are PEM. */
export function createCertificateRequest(subject: Subject): { request: string; privateKey: string } {
  const { publicKey, privateKey } = createKeys();
  const info = sequence(integer(0), distinguishedName(subject), publicKeyInfo(publicKey), explicit(0));
  return { request: toPem("CERTIFICATE REQUEST", signed(info, privateKey)), privateKey: privateKeyPem(privateKey) };
}

interface CertificateOptions {
  issuer: Subject;
  issuerKey: KeyObject;
  subject: Subject;
  publicKey: KeyObject;
  extensions: Der[];
}

function createCertificate({ issuer, issuerKey, subject, publicKey, extensions }: CertificateOptions): string {
  const now = Date.now();
  const body = sequence(
    explicit(0, integer(2)),
    integer(1, ...randomBytes(8)),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer),
    sequence(utcTime(new Date(now - 60_000)), utcTime(new Date(now + VALID_MS))),
    distinguishedName(subject),
    publicKeyInfo(publicKey),
    explicit(3, sequence(...extensions)),
  );
  return toPem("CERTIFICATE", signed(body, issuerKey));
}

function signed(body: Der, key: KeyObject): Der {
  return sequence(body, ECDSA_WITH_SHA256, bitString(sign("sha256", body, key)));
}

function extension(id: string, value: Der): Der {
  return sequence(objectIdentifier(id), boolean(true), octetString(value));
}

function distinguishedName({ commonName, organization }: Subject): Der {
  const attribute = (id: string, value: string): Der => set(sequence(objectIdentifier(id), utf8String(value)));
  return sequence(
    ...(organization === undefined ? [] : [attribute("2.5.4.10", organization)]),
    attribute("2.5.4.3", commonName),
  );
}

function createKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function publicKeyInfo(key: KeyObject): Der {
  return key.export({ type: "spki", format: "der" });
}

function privateKeyPem(key: KeyObject): string {
  return key.export({ type: "sec1", format: "pem" }).toString();
}

function toPem(label: string, der: Der): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
