// A MachineDeployment on a simulated cloud that notes down all that is done to it: what controllers may never do shows here,
// whoever of them did it and whatever answer they got.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { API_VERSION } from "@machine-controller/api/well-known";
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { type Handler, serveSimulator } from "@machine-controller/cloud-simulator";
import { machineDeployments, machines } from "@machine-controller/controllers";
import { connectKubeconfig, coreResources, type KubeClient, type Node } from "@machine-controller/kube-client";
import { createInformer, systemClock } from "@machine-controller/kube-runtime";
import { createHetznerSimulator } from "@machine-controller/provider-hetzner/sim";
import { type ApiServer, type ApiServerKind, openApiServer } from "../api-server.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";

export type Server = { id: number; name: string; labels: Record<string, string> };

export type Fleet = {
  readonly apiServer: ApiServer;
  /** A client of the test's own: faults do not strike it. */
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly cloudUrl: string;
  /** Servers that exist, by ID. */
  readonly servers: ReadonlyMap<number, Server>;
  /** Requests that changed something in the cloud, as `POST /v1/servers`, in order. */
  readonly changes: readonly string[];
  /** What must never happen, and did. */
  readonly violations: readonly string[];
  /** @param kubeconfig default: the API server's own. */
  startController(kubeconfig?: string, ...flags: string[]): ControllerProcess;
  /** Starts one, and the next whenever it ends, as a kubelet does: without its Lease a controller ends. */
  keepController(kubeconfig: string): Promise<void>;
  create(replicas: number): Promise<void>;
  scale(replicas: number): Promise<void>;
  machines(): Promise<Machine[]>;
  nodes(): Promise<Node[]>;
  /** Waits for so many Machines, all Ready, each with its one server and Node, and nothing beside them. */
  settled(replicas: number, timeoutMs?: number): Promise<void>;
  until(what: string, isTrue: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
};

export const NAMESPACE = "kube-system";
export const NAME = "fleet";
export const TOKEN = "simulated-token";
/** Between the end of a controller and the start of the next. */
const RESTART_MS = 1_000;
const SETTLE_MS = 120_000;

export async function openFleet(kind: ApiServerKind): Promise<Fleet> {
  const stack = new AsyncDisposableStack();
  const stopped = new AbortController();
  const { signal } = stopped;
  try {
    const apiServer = await openApiServer(kind, { stack, signal, unsafeNoFsync: true });
    const { client, close } = await connectKubeconfig({ kubeconfig: apiServer.kubeconfig, userAgent: "test" });
    stack.defer(close);
    const cloud = await openCloud(stack);
    const most = watchMost(client, signal);
    /** Without a word of this test's any number will do. */
    let mostWanted = Infinity;
    const fleet: Fleet = {
      ...cloud,
      apiServer,
      client,
      signal,
      get violations() {
        const surplus = most() > mostWanted ? [`${most()} Machines where ${mostWanted} were wanted at most`] : [];
        return [...cloud.violations, ...surplus];
      },
      startController(kubeconfig = apiServer.kubeconfig, ...flags) {
        const any = ["--health-probe-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"];
        const controller = startController(["run", "--kubeconfig", kubeconfig, ...any, ...flags], {
          HCLOUD_ENDPOINT: `${cloud.cloudUrl}/v1`,
        });
        stack.defer(async () => void (await controller.stop()));
        return controller;
      },
      async keepController(kubeconfig) {
        const keep = async (): Promise<void> => {
          while (!signal.aborted) {
            await sleep(RESTART_MS, undefined, { signal });
            await fleet.startController(kubeconfig).exited;
          }
        };
        const first = fleet.startController(kubeconfig);
        void first.exited.then(keep).catch(() => undefined);
        await first.printed(/caches are filled/);
      },
      async create(replicas) {
        mostWanted = Math.max(mostWanted === Infinity ? 0 : mostWanted, replicas);
        await client.create(machineDeployments, deploymentOf(replicas), { signal });
      },
      async scale(replicas) {
        mostWanted = Math.max(mostWanted === Infinity ? 0 : mostWanted, replicas);
        const patch = { type: "merge", body: { spec: { replicas } } } as const;
        await client.patch(machineDeployments, { namespace: NAMESPACE, name: NAME }, patch, { signal });
      },
      machines: async () => (await client.listAll(machines, { namespace: NAMESPACE, signal })).items,
      nodes: async () => (await client.listAll(coreResources.nodes, { signal })).items,
      async settled(replicas, timeoutMs = SETTLE_MS) {
        let seen = "";
        const isSettled = async (): Promise<boolean> => {
          const [all, nodes] = await Promise.all([fleet.machines(), fleet.nodes()]);
          const ready = all.filter(isMachineReady);
          seen = `${ready.length} of ${all.length} Machines Ready, ${nodes.length} Nodes, ${fleet.servers.size} servers`;
          return [ready.length, all.length, nodes.length, fleet.servers.size].every((count) => count === replicas);
        };
        await fleet.until(`${replicas} Machines`, isSettled, timeoutMs).catch((cause: unknown) => {
          throw new Error(`${replicas} Machines: ${seen}`, { cause });
        });
      },
      async until(what, isTrue, timeoutMs = SETTLE_MS) {
        for (const deadline = performance.now() + timeoutMs; !(await attempt(isTrue)); await sleep(100)) {
          if (performance.now() > deadline) throw new Error(`${what}: not after ${timeoutMs / 1_000} s`);
        }
      },
      async close() {
        stopped.abort();
        await stack.disposeAsync();
      },
    };
    return fleet;
  } catch (error) {
    stopped.abort();
    await stack.disposeAsync();
    throw error;
  }
}

/** Faults strike the API server itself at times. */
const attempt = async (isTrue: () => boolean | Promise<boolean>): Promise<boolean> => {
  try {
    return await isTrue();
  } catch {
    return false;
  }
};

/** Its servers run their user data and join. */
async function openCloud(
  stack: AsyncDisposableStack,
): Promise<Pick<Fleet, "cloudUrl" | "servers" | "changes" | "violations">> {
  const servers = new Map<number, Server>();
  const changes: string[] = [];
  const violations: string[] = [];
  const simulator = createHetznerSimulator({ database: ":memory:", rateLimit: 1e9 });
  const handle: Handler = async (request) => {
    const { method } = request;
    const { pathname } = new URL(request.url);
    const response = await simulator.handle(request);
    if (method === "GET" || !pathname.startsWith("/v1/servers")) return response;
    if (response.ok) changes.push(`${method} ${pathname}`);
    if (method === "POST" && response.status === 201) {
      const { server } = (await response.clone().json()) as { server: Server };
      const uid = server.labels["machine-uid"];
      const twin = [...servers.values()].find(({ labels }) => labels["machine-uid"] === uid);
      if (twin !== undefined) violations.push(`servers ${twin.id} and ${server.id} for Machine ${uid}`);
      servers.set(server.id, server);
    }
    if (method === "DELETE" && response.ok) servers.delete(Number(pathname.split("/").pop()));
    return response;
  };
  const served = await serveSimulator({ ...simulator, handle }, { host: "127.0.0.1", port: 0 });
  const stop = new AbortController();
  const running = simulator.run(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await running;
    await served.close();
    simulator.close();
  });
  return { cloudUrl: served.url, servers, changes, violations };
}

/** The most Machines that were ever there at once and not being deleted. */
function watchMost(client: KubeClient, signal: AbortSignal): () => number {
  const informer = createInformer<Machine>({ client, resource: machines, namespace: NAMESPACE, clock: systemClock });
  let most = 0;
  informer.onChange(() => {
    const live = informer.store.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    most = Math.max(most, live.length);
  });
  informer.run(signal).catch(() => undefined);
  return () => most;
}

export function deploymentOf(replicas: number): MachineDeployment {
  return {
    apiVersion: API_VERSION,
    kind: "MachineDeployment",
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: { name: NAME } },
      template: {
        metadata: { labels: { name: NAME } },
        spec: {
          providerSpec: {
            value: {
              sshPublicKeys: [],
              cloudProvider: "hetzner",
              cloudProviderSpec: { token: TOKEN, serverType: "cx23", location: "nbg1" },
              operatingSystem: "ubuntu",
              operatingSystemSpec: {},
            },
          },
          versions: { kubelet: "1.36.2" },
        },
      },
    },
  };
}

export const isMachineReady = ({ status }: Machine): boolean =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** Nothing that may never happen has happened. */
export function assertSafe(fleet: Fleet): void {
  assert.deepEqual(fleet.violations, []);
}
