/**
 * Lets the cluster-autoscaler scale from zero: what a Node will have stands on every MachineDeployment, and MachineSet
 * without one, that the autoscaler may scale. Asked of the cloud's catalogue once for each change of the template.
 */
import { canonicalText, type MachineDeployment, type MachineSet } from "@machine-controller/api";
import {
  ANNOTATION_AUTOSCALER_MAX_SIZE,
  ANNOTATION_PREFIX_CAPACITY,
  ANNOTATION_SYNCED_CAPACITY,
} from "@machine-controller/api/well-known";
import { BootstrapError } from "@machine-controller/bootstrap";
import { isKubeError, type KubeClient } from "@machine-controller/kube-client";
import { type Clock, type Controller, createController, type Informer, keyOf } from "@machine-controller/kube-runtime";
import { cloudProviderOf, isProviderError, PROVIDER_ERRORS, type Provider } from "@machine-controller/provider";
import type { Log } from "../log.ts";
import { controllerOf } from "../ownership.ts";
import { machineDeployments, machineSets } from "../resources.ts";
import { parseSynced, syncedText, syncValues, type Values } from "../synced-values.ts";
import { capacityAnnotations } from "./capacity-annotations.ts";

export type CapacityPublisherOptions = {
  client: KubeClient;
  clock: Clock;
  log: Log;
  concurrency: number;
  providers: ReadonlyMap<string, Provider>;
  externalCloudProvider: boolean;
  informers: { machineSets: Informer<MachineSet>; machineDeployments: Informer<MachineDeployment> };
};

type Scalable = MachineSet | MachineDeployment;

export function createCapacityPublisher(options: CapacityPublisherOptions): Controller {
  const { client, clock, log, informers, providers, externalCloudProvider } = options;
  /** By UID: what a template comes to. */
  const known = new Map<string, { template: string; wanted: Values }>();

  /** undefined: the provider cannot say. */
  async function wantedFor(object: Scalable, signal: AbortSignal): Promise<Values | undefined> {
    const { spec, metadata } = object.spec.template;
    const template = canonicalText([spec.providerSpec, spec.metadata, spec.taints, metadata?.annotations]);
    const uid = object.metadata.uid ?? "";
    const remembered = known.get(uid);
    if (remembered?.template === template) return remembered.wanted;
    const capacity = await providers.get(cloudProviderOf(spec))?.capacityOf(spec, { signal });
    if (capacity === undefined) return undefined;
    const annotations = metadata?.annotations;
    const wanted = capacityAnnotations({ capacity, spec, annotations, externalCloudProvider });
    known.set(uid, { template, wanted });
    return wanted;
  }

  async function publish(object: Scalable, wanted: Values, signal: AbortSignal): Promise<void> {
    const { namespace = "", name = "", resourceVersion, annotations = {} } = object.metadata;
    const before = parseSynced(annotations[ANNOTATION_SYNCED_CAPACITY])["annotations"];
    const { changes, synced } = syncValues(capacityOnly(annotations), wanted, before);
    const text = syncedText({ annotations: synced });
    if (Object.keys(changes).length === 0 && text === (annotations[ANNOTATION_SYNCED_CAPACITY] ?? null)) return;
    const body = { metadata: { resourceVersion, annotations: { ...changes, [ANNOTATION_SYNCED_CAPACITY]: text } } };
    const [ref, patch] = [
      { namespace, name },
      { type: "merge", body },
    ] as const;
    if (object.kind === "MachineSet") {
      informers.machineSets.observe(await client.patch(machineSets, ref, patch, { signal }));
    } else informers.machineDeployments.observe(await client.patch(machineDeployments, ref, patch, { signal }));
    log("info", "published the capacity of a Node for the cluster-autoscaler", { [object.kind]: keyOf(object) });
  }

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<{ requeueAfterMs?: number }> {
    const object = informers.machineDeployments.store.byUid(key) ?? informers.machineSets.store.byUid(key);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined || !isAutoscaled(object)) {
      known.delete(key);
      return {};
    }
    try {
      const wanted = await wantedFor(object, signal);
      if (wanted !== undefined) await publish(object, wanted, signal);
      return {};
    } catch (error) {
      if (error instanceof BootstrapError) return {};
      if (!isProviderError(error)) throw error;
      // Its Machines tell what is wrong; here it is only worth another try, now and then.
      log("debug", error.message, { [object.kind]: keyOf(object), code: error.code });
      return { requeueAfterMs: Math.max(error.retryAfterMs ?? 0, PROVIDER_ERRORS[error.code].retry.maxMs) };
    }
  }

  const controller = createController({
    name: "capacity-publisher",
    concurrency: options.concurrency,
    clock,
    reconcile,
    onError(uid, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      const isExpected = isKubeError(error, "Conflict") || isKubeError(error, "NotFound");
      log(isExpected ? "debug" : "warn", message, { uid, retryInMs });
    },
  });
  const enqueue = ({ object }: { object: Scalable }): void => {
    if (isAutoscaled(object) || known.has(object.metadata.uid ?? "")) controller.enqueue(object.metadata.uid ?? "");
  };
  informers.machineDeployments.onChange(enqueue);
  informers.machineSets.onChange(enqueue);
  return controller;
}

/** The autoscaler looks at no other; a MachineSet of a MachineDeployment it scales through that. */
const isAutoscaled = (object: Scalable): boolean =>
  object.metadata.annotations?.[ANNOTATION_AUTOSCALER_MAX_SIZE] !== undefined &&
  (object.kind === "MachineDeployment" || controllerOf(object) === undefined);

const capacityOnly = (annotations: Values): Values =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(`${ANNOTATION_PREFIX_CAPACITY}/`)));
