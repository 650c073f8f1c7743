/** `machine-controller up`: a cluster, its clouds and the controller in one process, for one laptop. */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { customResourceDefinitions, type MachineDeployment } from "@machine-controller/api";
import {
  type CallWebhook,
  createControlPlane,
  serveControlPlane,
  StorageError,
} from "@machine-controller/control-plane";
import { machineDeployments } from "@machine-controller/controllers";
import {
  createKubeClient,
  inProcess,
  type KubeClient,
  type KubeObject,
  withBearerToken,
} from "@machine-controller/kube-client";
import { systemClock } from "@machine-controller/kube-runtime";
import { createAdmission } from "./admission.ts";
import { applyManifests, readManifests } from "./apply-manifests.ts";
import { runControllers } from "../compose.ts";
import { systemRandom } from "../environment.ts";
import { createLog } from "../log/log.ts";
import { type Progress, watchProgress } from "./progress.ts";
import { createProgressView } from "./progress-view.ts";
import { startSimulatedClouds } from "./simulated-clouds.ts";
import { openStateFolder, type StateFolder } from "./state-folder.ts";
import { untilStopped } from "../process-end.ts";
import { UsageError } from "../usage-error.ts";

export type UpOptions = { stateDir: string; port: number; demo: boolean; apply?: string[]; logDebug: boolean };

const HOST = "127.0.0.1";
const NODE_BOOTSTRAP = fileURLToPath(new URL("../../../../deploy/node-bootstrap-rbac.yaml", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../../../examples/hetzner-machinedeployment.yaml", import.meta.url));

export async function up(
  options: UpOptions,
  { environment, stdout }: { environment: NodeJS.ProcessEnv; stdout: NodeJS.WriteStream },
): Promise<void> {
  const state = openStateFolder(options.stateDir);
  const manifests = (options.apply ?? (options.demo ? [EXAMPLE] : [])).flatMap(readManifests);
  const log = createLog({ destination: state.log, debug: options.logDebug, format: "json" });
  const signal = untilStopped({ onForced: () => process.exit(1) });

  await using stack = new AsyncDisposableStack();
  const admission = createAdmission({ closing: signal });
  const controlPlane = await openControlPlane(state, { log, callWebhook: admission.callWebhook });
  stack.defer(() => controlPlane.close());
  const served = await onPort(options.port, () => serveControlPlane(controlPlane, { host: HOST, port: options.port }));
  stack.defer(() => served.close());
  const cloudPort = options.port === 0 ? 0 : options.port + 1;
  const clouds = await onPort(cloudPort, () => startSimulatedClouds({ state, host: HOST, port: cloudPort }));
  stack.defer(() => clouds.close());
  await controlPlane.setEndpoint(served.url);
  writeFileSync(state.kubeconfig, await controlPlane.kubeconfig({ server: served.url }), { mode: 0o600 });

  const transport = inProcess((request) => controlPlane.handle(request));
  const client = createKubeClient({
    baseUrl: served.url,
    transport: withBearerToken(transport, controlPlane.adminToken),
  });

  // Aborted when one part fails, so that the others come to their end too.
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const running = [controlPlane.run(stop), clouds.run(stop)];
  const parts = [...customResourceDefinitions, ...readManifests(NODE_BOOTSTRAP), admission.configuration];
  await applyManifests(client, parts, { signal: stop });
  running.push(
    runControllers(
      {
        client,
        log,
        environment: { ...environment, ...clouds.environment },
        name: "",
        workerCount: 32,
        nodeCsrApprover: true,
        externalCloudProvider: false,
        joinClusterTimeoutMs: undefined,
        skipEvictionAfterMs: 2 * 3_600_000,
        updateMetadataInPlace: false,
        apiServer: undefined,
        clusterDns: ["10.96.0.10"],
        kubeletFeatureGates: { RotateKubeletServerCertificate: true },
      },
      stop,
    ),
    narrate(client, { options, state, manifests, clouds, server: served.url, stdout, signal: stop }),
  );
  await Promise.all(
    running.map((part) =>
      part.catch((error: unknown) => {
        if (stop.aborted) return;
        failed.abort(error);
        throw error;
      }),
    ),
  );
  if (signal.aborted)
    stdout.write(`\nStopped. The cluster is kept in ${shown(state.path)}; the next start continues from here.\n`);
}

/** Applies what is to be applied, and says what becomes of it. */
async function narrate(
  client: KubeClient,
  context: {
    options: UpOptions;
    state: StateFolder;
    manifests: readonly KubeObject[];
    clouds: { endpoints: readonly { title: string; url: string }[] };
    server: string;
    stdout: NodeJS.WriteStream;
    signal: AbortSignal;
  },
): Promise<void> {
  const { options, state, clouds, stdout, signal } = context;
  const view = createProgressView(stdout, () => progress.journeys());
  const progress = watchProgress({ client, clock: systemClock, tell: (event) => view.tell(event) });
  view.print(`Kubernetes API server  ${context.server}`);
  for (const { title, url } of clouds.endpoints) view.print(`simulated ${title}  ${url}`);
  const watching = progress.run(signal);

  const { items } = await client.listAll<MachineDeployment>(machineDeployments, { signal });
  const isNew = items.length === 0;
  if (options.apply || isNew) {
    await applyManifests(client, context.manifests, { signal });
    for (const { kind, metadata } of context.manifests) view.print(`applied ${kind} ${metadata.name}`);
  } else {
    view.print(
      `continuing with ${items.length} MachineDeployment${items.length === 1 ? "" : "s"} in ${shown(state.path)}`,
    );
  }
  await progress.settled({ signal });
  if (!signal.aborted)
    view.print(howToGoOn(state, { deployment: items[0]?.metadata ?? firstDeployment(context.manifests), progress }));
  await watching;
}

const firstDeployment = (manifests: readonly KubeObject[]): { name?: string; namespace?: string } | undefined =>
  manifests.find(({ kind }) => kind === "MachineDeployment")?.metadata;

function howToGoOn(
  state: StateFolder,
  { deployment, progress }: { deployment: { name?: string; namespace?: string } | undefined; progress: Progress },
): string {
  const { machines, ready } = progress.counts();
  const [machine = "NAME"] = progress.names();
  const namespace = deployment?.namespace ? ` -n ${deployment.namespace}` : "";
  const name = deployment?.name ?? "NAME";
  return `
${ready} of ${machines} Machines are Ready. In another terminal:

  export KUBECONFIG=${state.kubeconfig}
  kubectl get machinedeployments,machines,nodes${namespace}
  kubectl scale machinedeployment ${name}${namespace} --replicas=5
  kubectl delete machine${namespace} ${machine}

Logs are in ${shown(state.log)}. Ctrl-C stops everything; nothing is lost.
`;
}

const shown = (path: string): string => {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
};

async function openControlPlane(
  state: StateFolder,
  { log, callWebhook }: { log: ReturnType<typeof createLog>; callWebhook: CallWebhook },
): ReturnType<typeof createControlPlane> {
  try {
    return await createControlPlane({
      database: state.database("cluster"),
      clock: systemClock,
      random: systemRandom,
      callWebhook,
      log: ({ level, message, ...fields }) => log(level, message, fields),
    });
  } catch (cause) {
    if (cause instanceof StorageError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

async function onPort<T>(port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE" && code !== "EACCES") throw cause;
    const why = code === "EADDRINUSE" ? "is in use" : "may not be opened";
    throw new UsageError(`port ${port} on ${HOST} ${why}; choose another with --port`, { cause });
  }
}
