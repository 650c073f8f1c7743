/** The machine-controller as a process of the world: what `run` composes, on the world's clock, randomness and network. */
import { createControllers, createDataReaders, type Decision } from "@machine-controller/controllers";
import type { Machine } from "@machine-controller/api";
import { createKubeClient, inProcess, withBearerToken } from "@machine-controller/kube-client";
import { createEventRecorder, runLeaderElection, runManager } from "@machine-controller/kube-runtime";
import { type AnyProviderDefinition, createConfigVarResolver, createProvider } from "@machine-controller/provider";
import type { Handler } from "./network.ts";
import type { Process } from "./process.ts";

export type ControllerOptions = {
  kube: Handler;
  cloud: Handler;
  redHat: Handler;
  adminToken: string;
  clusterUid: string;
  definition: AnyProviderDefinition;
  /** Runs behind a Lease, as one of several replicas. */
  electsLeader: boolean;
  joinClusterTimeoutMs: number | undefined;
  updatesMetadataInPlace: boolean;
  log: (level: string, text: string) => void;
  onDecision: (machine: Machine, decision: Decision) => void;
};

const USER_AGENT = "machine-controller";
/** Shorter than anybody would set them, so that a world need not last for hours. */
const ORPHANS = { graceMs: 120_000, intervalMs: 90_000 };

/** Until the process is killed, which it never notices, or something in it fails for good: then it rejects. */
export async function runController(process: Process, options: ControllerOptions): Promise<void> {
  const { clock, random } = process;
  const log = (level: string, message: string, fields: object = {}): void =>
    options.log(level, `${message} ${JSON.stringify(fields)}`);
  const client = createKubeClient({
    baseUrl: "https://kube.simulation:6443",
    transport: withBearerToken(inProcess(options.kube), options.adminToken),
    userAgent: USER_AGENT,
    clock,
  });

  const lead = async (signal: AbortSignal): Promise<void> => {
    const events = createEventRecorder({
      client,
      component: USER_AGENT,
      clock,
      random: () => random.next(),
      onError: (error) => log("warn", `event not written: ${String(error)}`),
    });
    const resolver = createConfigVarResolver({ ...createDataReaders(client, clock), environment: {} });
    const { clusterUid, definition } = options;
    const runtime = { fetch: options.cloud, clock, random, resolver, environment: {}, clusterUid };
    const { informers, controllers } = createControllers({
      client,
      clock,
      random,
      log,
      events,
      providers: new Map([[definition.name, createProvider(definition, runtime)]]),
      redHat: { fetch: options.redHat, resolver },
      name: "",
      workerCount: 4,
      nodeCsrApprover: true,
      machine: {
        externalCloudProvider: false,
        joinClusterTimeoutMs: options.joinClusterTimeoutMs,
        skipEvictionAfterMs: 120_000,
      },
      machineSet: { updatesMetadataInPlace: options.updatesMetadataInPlace },
      userData: { clusterDns: ["10.96.0.10"], kubeletFeatureGates: {}, apiServer: undefined },
      orphans: { clusterUid, mode: "delete", ...ORPHANS },
      onDecision: options.onDecision,
      signal,
    });
    try {
      await runManager({ informers, controllers, clock, signal });
    } finally {
      await events.close({ timeoutMs: 2_000 });
    }
  };

  const { signal } = new AbortController();
  if (!options.electsLeader) return lead(signal);
  await runLeaderElection({
    client,
    namespace: "kube-system",
    name: "machine-controller",
    identity: `${process.name}.${process.generation}`,
    clock,
    random: () => random.next(),
    lead,
    signal,
    onError: (error) => log("debug", `lease: ${String(error)}`),
  });
}
