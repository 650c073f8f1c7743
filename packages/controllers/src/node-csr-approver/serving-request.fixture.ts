/** For tests: real requests for serving certificates, right ones and forged ones. */
import "reflect-metadata";
import type { CertificateSigningRequest } from "@machine-controller/kube-client";
import {
  BasicConstraintsExtension,
  ChallengePasswordAttribute,
  type Extension,
  type JsonGeneralName,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export type RequestChanges = {
  subject?: string;
  names?: JsonGeneralName[];
  extensions?: Extension[];
  hasPassword?: boolean;
};

export const AUTHORITY: Extension = new BasicConstraintsExtension(true);
export const RIGHT_NAMES: JsonGeneralName[] = [
  { type: "dns", value: "node-1" },
  { type: "ip", value: "10.0.0.2" },
  { type: "ip", value: "2001:db8::1" },
];

/** PEM, by default the one that the kubelet of node-1 makes. */
export async function createRequestPem(changes: RequestChanges = {}): Promise<string> {
  const { subject = "O=system:nodes, CN=system:node:node-1", names = RIGHT_NAMES, extensions = [] } = changes;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []), ...extensions],
    attributes: changes.hasPassword ? [new ChallengePasswordAttribute("secret")] : [],
  });
  return `${request.toString("pem")}\n`;
}

export const csrOf = (
  pem: string,
  spec: Partial<CertificateSigningRequest["spec"]> = {},
): CertificateSigningRequest => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name: "csr-1" },
  spec: {
    request: Buffer.from(pem).toString("base64"),
    signerName: "kubernetes.io/kubelet-serving",
    usages: ["digital signature", "server auth"],
    username: "system:node:node-1",
    groups: ["system:nodes", "system:authenticated"],
    ...spec,
  },
});
