/** Puts providers and controllers on a Kubernetes API and runs them: the part that `run` and `up` share. */
import {
  type Controllers,
  createControllers,
  createDataReaders,
  type Log,
  type OrphanOptions,
} from "@machine-controller/controllers";
import type { KubeClient } from "@machine-controller/kube-client";
import { createEventRecorder, type EventRecorder, runManager, systemClock } from "@machine-controller/kube-runtime";
import {
  type CallBudget,
  type ConfigVarResolver,
  createConfigVarResolver,
  createProvider,
  type Provider,
} from "@machine-controller/provider";
import { readClusterUid } from "./cluster-uid.ts";
import { random01, systemFetch, systemRandom } from "./environment.ts";
import { createLogContext, type LogContext } from "./log/log-context.ts";
import { createRedactor, type Redactor, redactError } from "./log/redactor.ts";
import { envelopeOf } from "./metrics/machine-metrics.ts";
import { aroundFetch } from "./observe/around-fetch.ts";
import { aroundProvider } from "./observe/around-provider.ts";
import { withLogFields } from "./observe/log-fields.ts";
import { type Around, inside } from "./observe/work.ts";
import { providerDefinitions } from "./providers.generated.ts";

export type ControllerSettings = {
  client: KubeClient;
  log: Log;
  environment: Readonly<Record<string, string | undefined>>;
  name: string;
  workerCount: number;
  nodeCsrApprover: boolean;
  externalCloudProvider: boolean;
  joinClusterTimeoutMs: number | undefined;
  skipEvictionAfterMs: number;
  /** Absent: instances whose Machine no longer exists are not looked for. */
  orphans?: Pick<OrphanOptions, "mode" | "graceMs"> | undefined;
  updateMetadataInPlace: boolean;
  apiServer: string | undefined;
  clusterDns: readonly string[];
  kubeletFeatureGates: Readonly<Record<string, boolean>>;
  observers?: Partial<Observers>;
  onSynced?: () => void;
};

const ORPHAN_INTERVAL_MS = 10 * 60_000;

/** What sees the controllers at work, from outside. */
export type Observers = {
  redactor: Redactor;
  logContext: LogContext;
  /** Runs around every piece of work but requests to the API server, which are the client's. */
  around: Around;
  /** Told of the controllers before they run. */
  onCreated: (controllers: Controllers & { providers: ReadonlyMap<string, Provider> }) => void;
  /** Told of the call budget of every cloud credential that is taken into use. */
  onBudget: (of: { provider: string; credential: string }, budget: CallBudget) => void;
  /** Told after each pass of the instances whose Machine no longer exists. */
  onOrphans: NonNullable<OrphanOptions["onPass"]>;
};

/** Until the signal aborts and everything under way has come to its end. */
export async function runControllers(settings: ControllerSettings, signal: AbortSignal): Promise<void> {
  const { client, log } = settings;
  const {
    redactor = createRedactor(),
    logContext = createLogContext(),
    onCreated,
    onBudget,
    onOrphans,
  } = settings.observers ?? {};
  const around: Around = settings.observers?.around ?? ((_work, run) => run());
  const events = createEventRecorder({
    client,
    component: "machine-controller",
    clock: systemClock,
    random: random01,
    onError: (error) => log("warn", `event not written: ${String(error)}`),
  });
  const clusterUid = await readClusterUid(client, log, signal);
  const providers = createProviders(settings, { redactor, around, onBudget, clusterUid });
  const created = createControllers({
    client,
    clock: systemClock,
    random: systemRandom,
    log,
    events: withCleanEvents(events, redactor),
    providers,
    redHat: { fetch: systemFetch, resolver: createResolver(settings, redactor) },
    name: settings.name,
    workerCount: settings.workerCount,
    nodeCsrApprover: settings.nodeCsrApprover,
    machine: {
      externalCloudProvider: settings.externalCloudProvider,
      joinClusterTimeoutMs: settings.joinClusterTimeoutMs,
      skipEvictionAfterMs: settings.skipEvictionAfterMs,
    },
    machineSet: { updatesMetadataInPlace: settings.updateMetadataInPlace },
    userData: {
      clusterDns: settings.clusterDns,
      kubeletFeatureGates: settings.kubeletFeatureGates,
      apiServer: settings.apiServer,
    },
    ...(settings.orphans &&
      clusterUid !== undefined && {
        orphans: {
          ...settings.orphans,
          clusterUid,
          intervalMs: ORPHAN_INTERVAL_MS,
          ...(onOrphans && { onPass: onOrphans }),
        },
      }),
    aroundEffect: ({ key, kind }, run) => around({ kind: "effect", controller: "machine", key, effect: kind }, run),
    signal,
  });
  const { informers, controllers, caches } = created;
  const logFields = withLogFields({
    context: logContext,
    newId: () => Buffer.from(systemRandom.bytes(6)).toString("hex"),
    ofMachine(key) {
      const machine = caches.machines.store.getByKey(key);
      return machine === undefined ? {} : { provider: envelopeOf(machine).cloudProvider };
    },
  });
  for (const controller of controllers) {
    const within = inside(logFields, around);
    controller.wrap((pass, run) => within({ kind: "reconcile", controller: controller.name, ...pass }, run));
  }
  onCreated?.({ ...created, providers });
  void Promise.all(informers.map(({ synced }) => synced)).then(settings.onSynced, () => undefined);
  try {
    await runManager({ informers, controllers, clock: systemClock, signal });
  } finally {
    await events.close({ timeoutMs: 2_000 });
  }
}

const createResolver = (
  { client, environment }: Pick<ControllerSettings, "client" | "environment">,
  { conceal }: Redactor,
): ConfigVarResolver => createConfigVarResolver({ ...createDataReaders(client, systemClock), environment, conceal });

/** By their name in `cloudProvider`. */
export function createProviders(
  { client, environment }: Pick<ControllerSettings, "client" | "environment">,
  {
    redactor,
    around = (_work, run) => run(),
    onBudget,
    clusterUid,
  }: Pick<Observers, "redactor"> & { [K in "around" | "onBudget"]?: Observers[K] | undefined } & {
    clusterUid?: string | undefined;
  },
): Map<string, Provider> {
  const { conceal } = redactor;
  const resolver = createResolver({ client, environment }, redactor);
  const runtime = { clock: systemClock, random: systemRandom, resolver, environment, conceal, clusterUid };
  return new Map(
    providerDefinitions.values().map((definition) => {
      const fetch = aroundFetch(definition.name, around)(systemFetch);
      const tell = (credential: string, budget: CallBudget): void =>
        onBudget?.({ provider: definition.name, credential }, budget);
      const provider = createProvider(definition, { ...runtime, fetch, onBudget: tell });
      return [definition.name, aroundProvider(provider, inside(around, withCleanErrors(redactor)))];
    }),
  );
}

/** What a cloud quotes of a request goes into status, events, traces and logs: it is cleaned where it comes in. */
const withCleanErrors =
  ({ redact }: Redactor): Around =>
  async (_work, run) => {
    try {
      return await run();
    } catch (error) {
      redactError(error, redact);
      throw error;
    }
  };

function withCleanEvents(events: EventRecorder, { redact }: Redactor): EventRecorder {
  return {
    ...events,
    event: (object, event) => events.event(object, { ...event, message: redact(event.message) }),
    get lost() {
      return events.lost;
    },
  };
}
