/** A P-256 key and its PKCS#10 request, as a kubelet makes them. The key comes from the injected randomness alone. */
import { createECDH, createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { isIP } from "node:net";
import type { Random } from "./random.ts";

export type CertificateRequest = {
  keyPem: string;
  requestPem: string;
  /** Depends on the key only. */
  fingerprint: string;
};

export type CertificateSubject = {
  commonName: string;
  organization: string;
  /** Names and addresses that a serving certificate is to be good for. */
  hosts?: readonly string[];
};

const OID = {
  extensionRequest: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e],
  subjectAlternativeName: [0x55, 0x1d, 0x11],
  commonName: [0x55, 0x04, 0x03],
  organization: [0x55, 0x04, 0x0a],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
};
const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  dns: 0x82,
  ip: 0x87,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
};

export function createCertificateRequest(subject: CertificateSubject, random: Random): CertificateRequest {
  const privateKey = createKey(random);
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const name = (oid: number[], value: string): Buffer =>
    der(TAG.set, der(TAG.sequence, der(TAG.oid, Buffer.from(oid)), der(TAG.utf8, Buffer.from(value))));
  const info = der(
    TAG.sequence,
    der(TAG.integer, Buffer.from([0])),
    der(TAG.sequence, name(OID.organization, subject.organization), name(OID.commonName, subject.commonName)),
    publicKey,
    der(TAG.attributes, ...(subject.hosts === undefined ? [] : [alternativeNames(subject.hosts)])),
  );
  const signature = sign("sha256", info, { key: privateKey, dsaEncoding: "der" });
  const request = der(
    TAG.sequence,
    info,
    der(TAG.sequence, der(TAG.oid, Buffer.from(OID.ecdsaWithSha256))),
    der(TAG.bits, Buffer.from([0]), signature),
  );
  return {
    keyPem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    requestPem: toPem("CERTIFICATE REQUEST", request),
    fingerprint: createHash("sha256").update(publicKey).digest("hex"),
  };
}

function createKey(random: Random): ReturnType<typeof createPrivateKey> {
  const curve = createECDH("prime256v1");
  const secret = Buffer.from(random.bytes(32));
  // The few values at or above the group order are no keys; clearing the top bit stays below it.
  secret[0] = (secret[0] ?? 0) & 0x7f;
  curve.setPrivateKey(secret);
  const point = curve.getPublicKey();
  return createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
      d: secret.toString("base64url"),
    },
  });
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIP(host) === 0 ? der(TAG.dns, Buffer.from(host)) : der(TAG.ip, addressBytes(host)),
  );
  const extension = der(
    TAG.sequence,
    der(TAG.oid, Buffer.from(OID.subjectAlternativeName)),
    der(TAG.octets, der(TAG.sequence, ...names)),
  );
  const values = der(TAG.set, der(TAG.sequence, extension));
  return der(TAG.sequence, der(TAG.oid, Buffer.from(OID.extensionRequest)), values);
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const groups = (part: string | undefined): string[] => (part ? part.split(":") : []);
  // The URL parser writes IPv6 in hexadecimal groups alone.
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::").map(groups);
  const [left = [], right = []] = [head, tail];
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, "0")).join(""), "hex");
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const size = body.length;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), body]);
  const length = size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
