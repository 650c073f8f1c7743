// The files that the processes of a throw-away control plane read.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClusterCertificates } from "./certificates.ts";

/** Paths, and what callers need of the contents. */
export interface ClusterFiles {
  caCertificate: string;
  caCertificatePem: string;
  caKey: string;
  servingCertificate: string;
  servingKey: string;
  serviceAccountKey: string;
  tokens: string;
  adminToken: string;
  adminKubeconfig: string;
  managerKubeconfig: string;
  auditPolicy: string;
}

export function writeClusterFiles(folder: string, server: string): ClusterFiles {
  const write = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const certificates = createClusterCertificates();
  const caCertificatePem = certificates.caCertificate;
  const adminToken = randomBytes(16).toString("hex");
  const managerToken = randomBytes(16).toString("hex");
  return {
    caCertificate: write("ca.crt", caCertificatePem),
    caCertificatePem,
    caKey: write("ca.key", certificates.caKey),
    servingCertificate: write("serving.crt", certificates.servingCertificate),
    servingKey: write("serving.key", certificates.servingKey),
    serviceAccountKey: write("service-account.key", certificates.serviceAccountKey),
    tokens: write(
      "tokens.csv",
      `${adminToken},admin,admin,system:masters\n${managerToken},system:kube-controller-manager,manager\n`,
    ),
    adminToken,
    adminKubeconfig: write("admin.kubeconfig", kubeconfig(server, caCertificatePem, adminToken)),
    managerKubeconfig: write("manager.kubeconfig", kubeconfig(server, caCertificatePem, managerToken)),
    auditPolicy: write("audit-policy.yaml", AUDIT_POLICY),
  };
}

const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`;

function kubeconfig(server: string, caCertificatePem: string, token: string): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: peer
  cluster:
    server: ${server}
    certificate-authority-data: ${Buffer.from(caCertificatePem).toString("base64")}
users:
- name: peer
  user:
    token: ${token}
contexts:
- name: peer
  context:
    cluster: peer
    user: peer
current-context: peer
`;
}
