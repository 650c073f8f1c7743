/**
 * A kubelet as the API server sees one: it turns a bootstrap token into a client certificate, registers its Node or
 * adopts the existing one, and renews its Lease. It never re-creates a Node that someone deleted; only a restart does.
 */
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import { ConnectionError, type Connect } from "./handler.ts";
import { createKubeApi, isStatus, KubeStatusError, type KubeApi, type KubeObject } from "./kube-api.ts";
import { formatKubeconfig, KubeconfigError, readKubeconfig } from "./kubeconfig.ts";
import { CertificateRefusedError, requestCertificate } from "./kubelet-certificate.ts";
import type { KubeletOptions } from "./kubelet-options.ts";
import { runPods } from "./kubelet-pods.ts";
import { keepServingCertificate } from "./kubelet-serving-certificate.ts";
import type { MachineSpec } from "./machine-spec.ts";
import { createLabels, createNode, createNodeStatus, nodeAddresses, type NodeIdentity } from "./node-object.ts";
import { fraction, type Random } from "./random.ts";

export type KubeletContext = {
  options: KubeletOptions;
  /** Addresses may change while it runs. */
  machine: () => MachineSpec;
  identity: NodeIdentity;
  disk: Disk;
  clock: Clock;
  random: Random;
  connect: Connect;
  /** How long pod networking takes after the registration. */
  readyMs: number;
  log: (line: string) => void;
  /** Makes what is on the disk durable. */
  save: () => void;
};

const LEASE_INTERVAL_MS = 10_000;
const STATUS_INTERVAL_MS = 300_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** Runs until the signal is aborted; then rejects. Whatever the API server does, it keeps trying. */
export async function runKubelet(context: KubeletContext, signal: AbortSignal): Promise<never> {
  const { options, disk, clock, random, connect, log } = context;
  const nodePath = `/api/v1/nodes/${options.nodeName}`;

  const retry = async (what: string, attempt: () => Promise<void>): Promise<void> => {
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        log(`kubelet: failed to ${what}: ${explain(error)}; retrying in ${waitMs / 1000} s`);
        await clock.sleep(waitMs, { signal });
      }
    }
  };

  const bootstrap = async (): Promise<void> => {
    const { cluster, token } = readKubeconfig(disk, options.bootstrapKubeconfig);
    const api = createKubeApi(cluster.server, connect(cluster), token);
    log(`kubelet: requesting a client certificate from ${cluster.server}`);
    const { keyPem, certificatePem } = await requestCertificate(
      {
        subject: { commonName: `system:node:${options.nodeName}`, organization: "system:nodes" },
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
        usages: ["digital signature", "client auth"],
        namePrefix: "node-csr-",
      },
      { api, clock, random, signal },
    );
    const pemPath = `${options.certDir}/kubelet-client-current.pem`;
    disk.write(pemPath, certificatePem + keyPem, 0o600);
    disk.write(options.kubeconfig, formatKubeconfig(cluster, pemPath), 0o600);
    context.save();
    log("kubelet: client certificate issued");
  };

  const register = async (api: KubeApi): Promise<void> => {
    const status = currentStatus(false);
    const node = createNode(options, context.machine());
    try {
      await api({ method: "POST", path: "/api/v1/nodes", body: { ...node, status }, signal });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      log(`kubelet: node ${options.nodeName} exists already; adopting it`);
      const labels = createLabels(options, context.machine());
      await api({ method: "PATCH", path: nodePath, body: { metadata: { labels } }, signal });
      await api({ method: "PATCH", path: `${nodePath}/status`, body: { status }, signal });
    }
  };

  let readySince = clock.now();
  const currentStatus = (isReady: boolean): object =>
    createNodeStatus({
      options,
      machine: context.machine(),
      identity: context.identity,
      isReady,
      since: new Date(readySince),
      now: new Date(clock.now()),
    });

  const reportReady = async (api: KubeApi): Promise<void> => {
    await api({ method: "PATCH", path: `${nodePath}/status`, body: { status: currentStatus(true) }, signal });
  };

  const keepAlive = async (api: KubeApi): Promise<never> => {
    const renewLease = createLeaseRenewal({ api, nodeName: options.nodeName, clock, signal });
    await renewLease().catch((error: unknown) => warn("create its lease", error));
    await clock.sleep(context.readyMs, { signal });
    readySince = clock.now();
    let reported: { at: number; addresses: string } | undefined;
    for (;;) {
      const addresses = JSON.stringify(context.machine().addresses);
      if (
        reported === undefined ||
        clock.now() - reported.at >= STATUS_INTERVAL_MS ||
        addresses !== reported.addresses
      ) {
        try {
          await reportReady(api);
          if (reported === undefined) log(`kubelet: node ${options.nodeName} is Ready`);
          reported = { at: clock.now(), addresses };
        } catch (error) {
          warn("update node status", error);
        }
      }
      const interval = reported === undefined ? FIRST_RETRY_MS : LEASE_INTERVAL_MS * (1 + 0.04 * fraction(random));
      await clock.sleep(interval, { signal });
      await renewLease().catch((error: unknown) => warn("renew its lease", error));
    }
  };

  const addresses = (): { type: string; address: string }[] => nodeAddresses(options, context.machine());

  const warn = (what: string, error: unknown): void => {
    signal.throwIfAborted();
    log(`kubelet: failed to ${what}, will retry: ${explain(error)}`);
  };

  if (disk.read(options.kubeconfig) === undefined) await retry("bootstrap", bootstrap);
  const { cluster, token } = readKubeconfig(disk, options.kubeconfig);
  const api = createKubeApi(cluster.server, connect(cluster), token);
  await retry(`register node ${options.nodeName}`, () => register(api));
  log(`kubelet: registered node ${options.nodeName}`);
  const [never] = await Promise.all([
    keepAlive(api),
    runPods({ ...context, api, nodeName: options.nodeName, addresses, warn }, signal),
    ...(options.serverTlsBootstrap ? [keepServingCertificate({ ...context, api, addresses, warn }, signal)] : []),
  ]);
  return never;
}

type LeaseRenewal = { api: KubeApi; nodeName: string; clock: Clock; signal: AbortSignal };

/** A Lease is owned by its Node, so it is only created while there is one. */
function createLeaseRenewal({ api, nodeName, clock, signal }: LeaseRenewal): () => Promise<void> {
  const folder = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  const renewTime = (): string => `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`;
  let lease: KubeObject | undefined;

  const create = async (): Promise<KubeObject> => {
    const node = await api({ method: "GET", path: `/api/v1/nodes/${nodeName}`, signal });
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: nodeName, uid: node.metadata["uid"] }];
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: nodeName, namespace: "kube-node-lease", ownerReferences },
      spec: { holderIdentity: nodeName, leaseDurationSeconds: 40, renewTime: renewTime() },
    };
    try {
      return await api({ method: "POST", path: folder, body, signal });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      return api({ method: "GET", path: `${folder}/${nodeName}`, signal });
    }
  };

  return async () => {
    if (lease === undefined) {
      lease = await create();
      return;
    }
    try {
      const spec = { ...(lease["spec"] as object), renewTime: renewTime() };
      lease = await api({ method: "PUT", path: `${folder}/${nodeName}`, body: { ...lease, spec }, signal });
    } catch (error) {
      if (isStatus(error, 404) || isStatus(error, 409)) lease = undefined;
      throw error;
    }
  };
}

/** In the words a reader of a kubelet's log knows. */
function explain(error: unknown): string {
  if (error instanceof KubeStatusError) {
    if (error.status === 401)
      return "Unauthorized (401): the token is unknown or expired, or the certificate is not accepted";
    if (error.status === 403) return `Forbidden (403): ${error.message}`;
    return `${error.message} (${error.status})`;
  }
  if (error instanceof ConnectionError) {
    return error.code === "UntrustedCertificate"
      ? `x509: certificate signed by unknown authority (${error.message})`
      : `dial: ${error.message}`;
  }
  if (error instanceof CertificateRefusedError) return `certificate signing request was refused: ${error.message}`;
  if (error instanceof KubeconfigError) return `unable to load kubeconfig: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
