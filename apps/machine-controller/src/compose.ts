/** Puts providers and controllers on a Kubernetes API and runs them: the part that `run` and `up` share. */
import { createControllers, createDataReaders, type Log, type OrphanOptions } from "@machine-controller/controllers";
import type { KubeClient } from "@machine-controller/kube-client";
import { createEventRecorder, type EventRecorder, runManager, systemClock } from "@machine-controller/kube-runtime";
import { createConfigVarResolver, createProvider, type Provider } from "@machine-controller/provider";
import { readClusterUid } from "./cluster-uid.ts";
import { random01, systemFetch, systemRandom } from "./environment.ts";
import { redactError } from "./log/redactor.ts";
import { aroundProvider } from "./observe/around-provider.ts";
import type { Around } from "./observe/work.ts";
import { providerDefinitions } from "./providers.generated.ts";

export type ControllerSettings = {
  client: KubeClient;
  log: Log;
  /** Told of every value that came out of a Secret or authenticates to a cloud. */
  conceal?: (value: string) => void;
  /** Takes such values out of a text. */
  redact?: (text: string) => string;
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
  onSynced?: () => void;
};

const ORPHAN_INTERVAL_MS = 10 * 60_000;

/** Until the signal aborts and everything under way has come to its end. */
export async function runControllers(settings: ControllerSettings, signal: AbortSignal): Promise<void> {
  const { client, log } = settings;
  const events = createEventRecorder({
    client,
    component: "machine-controller",
    clock: systemClock,
    random: random01,
    onError: (error) => log("warn", `event not written: ${String(error)}`),
  });
  const clusterUid = await readClusterUid(client, log, signal);
  const { informers, controllers } = createControllers({
    client,
    clock: systemClock,
    random: systemRandom,
    log,
    events: withCleanEvents(events, settings.redact ?? ((text) => text)),
    providers: createProviders(settings, clusterUid),
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
      clusterUid !== undefined && { orphans: { ...settings.orphans, clusterUid, intervalMs: ORPHAN_INTERVAL_MS } }),
    signal,
  });
  void Promise.all(informers.map(({ synced }) => synced)).then(settings.onSynced, () => undefined);
  try {
    await runManager({ informers, controllers, clock: systemClock, signal });
  } finally {
    await events.close({ timeoutMs: 2_000 });
  }
}

function createProviders(
  { client, environment, conceal = () => undefined, redact = (text) => text }: ControllerSettings,
  clusterUid: string | undefined,
): Map<string, Provider> {
  const readers = createDataReaders(client, systemClock);
  const resolver = createConfigVarResolver({ ...readers, environment, conceal });
  const clock = systemClock;
  const runtime = { fetch: systemFetch, clock, random: systemRandom, resolver, environment, conceal, clusterUid };
  return new Map(
    providerDefinitions.map((definition) => [
      definition.name,
      aroundProvider(createProvider(definition, runtime), withCleanErrors(redact)),
    ]),
  );
}

/** What a cloud quotes of a request goes into status, events and logs: it is cleaned where it comes in. */
const withCleanErrors =
  (redact: (text: string) => string): Around =>
  async (_work, run) => {
    try {
      return await run();
    } catch (error) {
      redactError(error, redact);
      throw error;
    }
  };

function withCleanEvents(events: EventRecorder, redact: (text: string) => string): EventRecorder {
  return {
    ...events,
    event: (object, event) => events.event(object, { ...event, message: redact(event.message) }),
    get lost() {
      return events.lost;
    },
  };
}
