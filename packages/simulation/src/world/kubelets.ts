/**
 * Kubelets of the VMs, as light as the invariants allow: one that runs shows the bootstrap token of its user data, then acts
 * as its node, under the API server's rules for nodes: it registers, asks for a serving certificate where told to, becomes
 * Ready and renews its Lease until its VM is gone or hangs. Only the client certificate is left out (docs/adr says why).
 */
import { createCertificateRequest } from "@machine-controller/cloud-simulator";
import type { Vm } from "../clouds/cloud.ts";
import type { Handler } from "./network.ts";
import { createProcess, type Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

export type Kubelets = {
  /** Power is on: it boots, and joins if its user data says how. */
  start(vm: Vm): void;
  /** It stops answering, and its VM stays. */
  hang(vm: Vm): void;
};

export type KubeletsOptions = {
  scheduler: Scheduler;
  seed: string;
  connect: (process: Process) => Handler;
  adminToken: string;
  /** Kubelets ask for serving certificates. */
  serving: boolean;
};

const BOOT_MS = 4_000;
const READY_MS = 1_000;
const LEASE_INTERVAL_MS = 25_000;
const REPORT_INTERVAL_MS = 60_000;
const RETRY_MS = 3_000;
const API = "https://kube.simulation:6443";

export function createKubelets(options: KubeletsOptions): Kubelets {
  const { scheduler } = options;
  const processes = new Map<string, Process>();
  return {
    start(vm) {
      const process = createProcess(scheduler, { name: `vm ${vm.name}`, generation: 1, seed: options.seed });
      processes.set(vm.id, process);
      // What is not in the way of a VM that goes: its end is noticed by its own next step.
      void live(vm, process, options).catch(() => undefined);
    },
    hang: (vm) => processes.get(vm.id)?.kill(),
  };
}

async function live(vm: Vm, process: Process, options: KubeletsOptions): Promise<void> {
  const { signal } = new AbortController();
  const { scheduler, adminToken } = options;
  const send = options.connect(process);
  const token = /token: "?(\w{6}\.\w{16})/.exec(vm.userData)?.[1];
  const providerId = /kubermatic:\/\/[\w-]+\/[\w-]+/.exec(vm.userData)?.[0];
  const asNode = {
    authorization: `Bearer ${adminToken}`,
    "impersonate-user": `system:node:${vm.name}`,
    "impersonate-group": "system:nodes",
    "user-agent": "kubelet",
  };
  const call = async (method: string, path: string, body?: object): Promise<number> => {
    for (;;) {
      await process.clock.sleep(0, { signal });
      if (vm.goneAtMs !== undefined && vm.goneAtMs <= scheduler.now()) process.kill();
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const headers = path === "/version" ? { authorization: `Bearer ${token}` } : { ...asNode, "content-type": type };
      const request = new Request(API + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      const status = await send(request).then(
        (response) => response.status,
        () => 0,
      );
      if (status !== 0 && status < 429 && status !== 401) return status;
      await process.clock.sleep(RETRY_MS, { signal });
    }
  };

  await process.clock.sleep(BOOT_MS + process.random.int(8_000), { signal });
  if (token === undefined) return;
  await call("GET", "/version");
  await call("POST", "/api/v1/nodes", nodeOf(vm, { providerId, ready: "False", nowMs: scheduler.now() }));
  await process.clock.sleep(READY_MS, { signal });
  const report = { status: nodeOf(vm, { providerId, ready: "True", nowMs: scheduler.now() }).status };
  await call("PATCH", `/api/v1/nodes/${vm.name}/status`, report);
  if (options.serving) await call("POST", CSRS, servingRequest(vm, process));
  let reportedAtMs = scheduler.now();
  for (let isFirst = true; ; isFirst = false) {
    const spec = { holderIdentity: vm.name, leaseDurationSeconds: 40, renewTime: microTime(scheduler.now()) };
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: vm.name, namespace: "kube-node-lease" },
      spec,
    };
    const status = isFirst ? 404 : await call("PATCH", `${LEASES}/${vm.name}`, { spec });
    if (status === 404 && (await call("POST", LEASES, lease)) === 409)
      await call("PATCH", `${LEASES}/${vm.name}`, { spec });
    // A Node that was judged Unknown meanwhile is Ready again once its kubelet says so.
    if (scheduler.now() - reportedAtMs > REPORT_INTERVAL_MS) {
      await call("PATCH", `/api/v1/nodes/${vm.name}/status`, report);
      reportedAtMs = scheduler.now();
    }
    await process.clock.sleep(LEASE_INTERVAL_MS, { signal });
  }
}

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

function nodeOf(
  vm: Vm,
  { providerId, ready, nowMs }: { providerId: string | undefined; ready: "True" | "False"; nowMs: number },
): { status: object; [field: string]: unknown } {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: vm.name },
    spec: { ...(providerId && { providerID: providerId }) },
    status: {
      addresses: [
        { type: "InternalIP", address: vm.address },
        { type: "Hostname", address: vm.name },
      ],
      conditions: [
        {
          type: "Ready",
          status: ready,
          reason: "KubeletReady",
          message: "",
          lastHeartbeatTime: new Date(nowMs).toISOString(),
        },
      ],
      nodeInfo: { kubeletVersion: `v${/KUBE_VERSION="?v?(\d+\.\d+\.\d+)/.exec(vm.userData)?.[1] ?? "1.36.2"}` },
    },
  };
}

function servingRequest(vm: Vm, { random }: Process): object {
  const subject = { commonName: `system:node:${vm.name}`, organization: "system:nodes", hosts: [vm.name, vm.address] };
  const { requestPem, fingerprint } = createCertificateRequest(subject, random);
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: `csr-${fingerprint}` },
    spec: {
      request: Buffer.from(requestPem).toString("base64"),
      signerName: "kubernetes.io/kubelet-serving",
      usages: ["digital signature", "server auth"],
    },
  };
}

const microTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");
