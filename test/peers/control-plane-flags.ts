// How the processes of the control plane are called. Everything listens on loopback.
import type { ClusterFiles } from "./cluster-files.ts";

export type Flags = Record<string, string>;

export interface EtcdOptions {
  endpoint: string;
  peerEndpoint: string;
  dataFolder: string;
  unsafeNoFsync: boolean;
}

export function etcdFlags({ endpoint, peerEndpoint, dataFolder, unsafeNoFsync }: EtcdOptions): Flags {
  return {
    "data-dir": dataFolder,
    "listen-client-urls": endpoint,
    "advertise-client-urls": endpoint,
    "listen-peer-urls": peerEndpoint,
    "unsafe-no-fsync": String(unsafeNoFsync),
  };
}

export interface ApiserverOptions {
  port: number;
  etcdEndpoint: string;
  files: ClusterFiles;
  /** No audit log without it. */
  auditLogPath: string | undefined;
}

export function apiserverFlags({ port, etcdEndpoint, files, auditLogPath }: ApiserverOptions): Flags {
  return {
    ...servingFlags(port, files),
    "advertise-address": "127.0.0.1",
    // The Service `kubernetes` cannot have a loopback endpoint.
    "endpoint-reconciler-type": "none",
    "etcd-servers": etcdEndpoint,
    "client-ca-file": files.caCertificate,
    "token-auth-file": files.tokens,
    "enable-bootstrap-token-auth": "true",
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "disable-admission-plugins": "ServiceAccount",
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": files.serviceAccountKey,
    "service-account-signing-key-file": files.serviceAccountKey,
    "service-cluster-ip-range": "10.96.0.0/16",
    ...(auditLogPath !== undefined && {
      "audit-log-path": auditLogPath,
      "audit-log-mode": "batch",
      "audit-policy-file": files.auditPolicy,
    }),
  };
}

export interface ControllerManagerOptions {
  port: number;
  files: ClusterFiles;
  controllers: readonly string[];
}

export function controllerManagerFlags({ port, files, controllers }: ControllerManagerOptions): Flags {
  return {
    ...servingFlags(port, files),
    kubeconfig: files.managerKubeconfig,
    "leader-elect": "false",
    controllers: controllers.join(","),
    "use-service-account-credentials": "true",
    "service-account-private-key-file": files.serviceAccountKey,
    "root-ca-file": files.caCertificate,
    "cluster-signing-cert-file": files.caCertificate,
    "cluster-signing-key-file": files.caKey,
    // With the usual 20 a second, the start of all controllers alone takes four seconds.
    "kube-api-qps": "500",
    "kube-api-burst": "500",
  };
}

function servingFlags(port: number, files: ClusterFiles): Flags {
  return {
    "bind-address": "127.0.0.1",
    "secure-port": String(port),
    "tls-cert-file": files.servingCertificate,
    "tls-private-key-file": files.servingKey,
  };
}
