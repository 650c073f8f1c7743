/** Where a fleet lives: an API server, a cloud, and the controller between them, each in processes of its own. */
import { connectKubeconfig, type KubeClient } from "@machine-controller/kube-client";
import { openApiServer } from "../../test/e2e/api-server.ts";
import { type ControllerProcess, startController } from "../../test/e2e/controller-process.ts";
import { auditEntries, auditPosition, describeEntry } from "../../test/peers/audit-log.ts";
import type { Settings } from "../bench.ts";
import { type Cloud, type CloudOptions, startCloud } from "./cloud.ts";

export type FleetSite = {
  readonly client: KubeClient;
  /** Another client: who writes is noted in the objects. */
  connect(userAgent: string): Promise<KubeClient>;
  readonly cloud: Cloud;
  /** Resolves once its caches are filled. */
  startController(): Promise<ControllerProcess>;
  /** Starts to count what the controller asks of the API server; undefined where that keeps no audit log. */
  countRequests(): (() => Map<string, number>) | undefined;
  close(): Promise<void>;
};

/** Of the fleet's project. */
export const TOKEN = "simulated-token";
const USER_AGENT = "machine-controller";
/** Requests of leader election: they do not depend on the fleet. */
const IGNORED = new Set(["get leases", "create leases", "update leases"]);

/** @throws where the real control plane is asked for and cannot be built. */
export async function openFleetSite(
  { body, profileFolder, signal }: Settings,
  options: Partial<CloudOptions> = {},
): Promise<FleetSite> {
  const stack = new AsyncDisposableStack();
  try {
    const { kubeconfig, real } = await openApiServer(body, { stack, signal, leavesNodesAlone: true });
    const auditLog = real?.auditLogPath;
    const connect = async (userAgent: string): Promise<KubeClient> => {
      const { client, close } = await connectKubeconfig({ kubeconfig, userAgent, requestTimeoutMs: 120_000 });
      stack.defer(close);
      return client;
    };
    const cloud = await startCloud({
      tokens: [TOKEN],
      deadTokens: [],
      delayMs: 0,
      joins: true,
      ...options,
      kubeconfig,
    });
    stack.defer(() => cloud.stop());
    return {
      client: await connect("bench"),
      connect,
      cloud,
      async startController() {
        const environment = {
          HCLOUD_ENDPOINT: `${cloud.url}/v1`,
          NODE_OPTIONS: profileFolder && `--cpu-prof --cpu-prof-dir=${profileFolder}`,
        };
        const controller = startController(
          [
            "run",
            "--kubeconfig",
            kubeconfig,
            "--health-probe-address",
            "127.0.0.1:0",
            "--metrics-address",
            "127.0.0.1:0",
          ],
          environment,
        );
        stack.defer(async () => void (await controller.stop()));
        await controller.printed(/caches are filled/, { timeoutMs: 60_000 });
        return controller;
      },
      countRequests() {
        if (auditLog === undefined) return undefined;
        const from = auditPosition(auditLog);
        return () => requestsSince(auditLog, from);
      },
      close: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function requestsSince(auditLog: string, from: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of auditEntries(auditLog, from)) {
    const what = describeEntry(entry);
    if (entry.userAgent === USER_AGENT && !IGNORED.has(what)) counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
