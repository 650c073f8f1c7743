// The real Kubernetes control plane as a test peer: etcd, kube-apiserver and kube-controller-manager on loopback.
// As a command (`node test/peers/real-control-plane.ts`) it runs one until it is interrupted.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPeers, type PeerBinaries } from "./build.ts";
import { writeClusterFiles } from "./cluster-files.ts";
import { publishClusterInfo } from "./cluster-info.ts";
import { apiserverFlags, controllerManagerFlags, etcdFlags, type Flags } from "./control-plane-flags.ts";
import { freePorts } from "./free-ports.ts";
import { kubernetesRequest, type KubernetesEndpoint } from "./kubernetes-request.ts";
import { startPeerProcess, type PeerProcess } from "./peer-process.ts";
import { onProcessEnd } from "./process-end.ts";

export interface RealControlPlaneOptions {
  /** Aborting it stops the control plane, whether it is starting or running. */
  signal?: AbortSignal;
  /** Log every request with its user agent, verb and resource, one JSON object a line. Off by default. */
  auditLog?: boolean;
  /** What kube-controller-manager runs, `DEFAULT_CONTROLLERS` by default. */
  controllers?: readonly string[];
  /** Let etcd skip fsync: faster writes, for tests that crash nothing. Off by default. */
  unsafeNoFsync?: boolean;
}

export interface RealControlPlane {
  /** https://127.0.0.1:port */
  server: string;
  caCertificatePem: string;
  /** Bearer token of a member of system:masters. */
  adminToken: string;
  /** A file that uses `adminToken`. */
  kubeconfigPath: string;
  /** http://127.0.0.1:port, without authentication. */
  etcdEndpoint: string;
  /** Gone after `stop()`, like every file of the control plane. */
  auditLogPath?: string;
  /** Path of a kubectl of the same version. */
  kubectl: string;
  pids: { etcd: number; kubeApiserver: number; kubeControllerManager: number };
  /** Ends kube-apiserver as SIGKILL does and starts it again on the same port; `pids` keeps the first one's. */
  restartApiserver(): Promise<void>;
  /** Kills the processes and removes their files. Safe to repeat. */
  stop(): Promise<void>;
}

/** All but the node life cycle, which wants kubelets' Leases. */
export const DEFAULT_CONTROLLERS = [
  "*",
  "bootstrap-signer-controller",
  "token-cleaner-controller",
  "-node-lifecycle-controller",
];

/**
 * Starts an empty cluster, ready to be written to, with `kube-public/cluster-info` as kubeadm leaves it. Builds the
 * executables first if need be; `skipped` says why this machine cannot. A failed start throws with the end of the log
 * of the process to blame. Nothing outlives this process, unless it is killed with SIGKILL.
 */
export async function startRealControlPlane(
  options: RealControlPlaneOptions = {},
): Promise<RealControlPlane | { skipped: string }> {
  options.signal?.throwIfAborted();
  const binaries = await buildPeers(options);
  if ("skipped" in binaries) return binaries;

  const folder = mkdtempSync(join(tmpdir(), "real-control-plane-"));
  const processes: PeerProcess[] = [];
  const killAll = (): Promise<unknown> => Promise.all(processes.map((peer) => peer.kill()));
  // A process that is about to die may still create files.
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  const release = onProcessEnd(() => {
    void killAll();
    removeFolder();
  });
  const stop = async (): Promise<void> => {
    await killAll();
    removeFolder();
    release();
  };
  try {
    const running = await startProcesses({ ...options, binaries, folder, processes });
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", () => void stop(), { once: true });
    return { ...running, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface StartOptions extends RealControlPlaneOptions {
  binaries: PeerBinaries;
  folder: string;
  /** Receives each process as it is started. */
  processes: PeerProcess[];
}

async function startProcesses({
  binaries,
  folder,
  processes,
  signal = new AbortController().signal,
  auditLog = false,
  controllers = DEFAULT_CONTROLLERS,
  unsafeNoFsync = false,
}: StartOptions): Promise<Omit<RealControlPlane, "stop">> {
  const ports = await freePorts("etcd", "etcdPeer", "apiserver", "manager");
  const etcdEndpoint = `http://127.0.0.1:${ports.etcd}`;
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const files = writeClusterFiles(folder, server);
  const auditLogPath = auditLog ? join(folder, "audit.log") : undefined;
  const start = (name: string, executable: string, flags: Flags): PeerProcess => {
    const peer = startPeerProcess({ name, executable, flags, logPath: join(folder, `${name}.log`) });
    processes.push(peer);
    return peer;
  };
  const apiserverEndpoint = { server, caCertificatePem: files.caCertificatePem, token: files.adminToken };
  const managerEndpoint = { ...apiserverEndpoint, server: `https://127.0.0.1:${ports.manager}` };
  const answersOk = (endpoint: KubernetesEndpoint, path: string) => (signal: AbortSignal) =>
    isOk(kubernetesRequest(endpoint, { path, signal }));

  const etcd = start(
    "etcd",
    binaries.etcd,
    etcdFlags({
      endpoint: etcdEndpoint,
      peerEndpoint: `http://127.0.0.1:${ports.etcdPeer}`,
      dataFolder: join(folder, "etcd"),
      unsafeNoFsync,
    }),
  );
  await etcd.waitUntil((signal) => isOk(fetch(`${etcdEndpoint}/health`, { signal })), signal);
  const startApiserver = async (): Promise<PeerProcess> => {
    const flags = apiserverFlags({ port: ports.apiserver, etcdEndpoint, files, auditLogPath });
    const started = start("kube-apiserver", binaries.kubeApiserver, flags);
    await started.waitUntil(answersOk(apiserverEndpoint, "/readyz"), signal);
    return started;
  };
  let apiserver = await startApiserver();
  const manager = start(
    "kube-controller-manager",
    binaries.kubeControllerManager,
    controllerManagerFlags({ port: ports.manager, files, controllers }),
  );
  await publishClusterInfo(apiserverEndpoint, signal);
  await manager.waitUntil(answersOk(managerEndpoint, "/healthz"), signal);

  return {
    server,
    caCertificatePem: files.caCertificatePem,
    adminToken: files.adminToken,
    kubeconfigPath: files.adminKubeconfig,
    etcdEndpoint,
    ...(auditLogPath !== undefined && { auditLogPath }),
    kubectl: binaries.kubectl,
    pids: { etcd: etcd.pid, kubeApiserver: apiserver.pid, kubeControllerManager: manager.pid },
    async restartApiserver() {
      await apiserver.kill();
      apiserver = await startApiserver();
    },
  };
}

async function isOk(answer: Promise<{ status: number }>): Promise<boolean> {
  try {
    return (await answer).status === 200;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const controlPlane = await startRealControlPlane();
  if ("skipped" in controlPlane) {
    console.log(controlPlane.skipped);
  } else {
    console.log(`export KUBECONFIG=${controlPlane.kubeconfigPath}\n# etcd: ${controlPlane.etcdEndpoint}`);
    // The processes themselves do not keep this one alive.
    setInterval(() => {}, 2 ** 30);
  }
}
