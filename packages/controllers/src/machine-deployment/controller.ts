/** Rolls a MachineDeployment's template out: one MachineSet a template, replicas moved from the old ones to the new. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import { ANNOTATION_REVISION, FINALIZER_FOREGROUND } from "@machine-controller/api/well-known";
import { isKubeError, type KubeClient } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createController,
  type EventRecorder,
  type Informer,
  keyOf,
} from "@machine-controller/kube-runtime";
import { InvalidObjectError } from "../invalid-object.ts";
import type { Log } from "../log.ts";
import { claim, controllerOf } from "../ownership.ts";
import { machineDeployments, machineSets } from "../resources.ts";
import { selectorProblem, selects } from "../selector.ts";
import {
  machineSetFrom,
  nextRevision,
  replicaAnnotations,
  revisionAnnotations,
  revisionOf,
  splitSets,
} from "./revision.ts";
import {
  type Limits,
  limitsOf,
  newSetReplicas,
  oldSetReplicas,
  pausedReplicas,
  replicasOf,
  totalOf,
} from "./rollout.ts";
import { isComplete, machineDeploymentStatus, surplusHistory } from "./status.ts";
import { canonicalTemplate } from "./template.ts";

export type MachineDeploymentControllerOptions = {
  client: KubeClient;
  clock: Clock;
  log: Log;
  events: EventRecorder;
  concurrency: number;
  informers: { machineDeployments: Informer<MachineDeployment>; machineSets: Informer<MachineSet> };
};

type Call = { signal: AbortSignal };
const MOST_COLLISIONS = 10;

export function createMachineDeploymentController(options: MachineDeploymentControllerOptions): Controller {
  const { client, log, events, informers } = options;

  async function reconcile(key: string, call: Call): Promise<void> {
    const deployment = informers.machineDeployments.store.getByKey(key);
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
    const limits = validLimits(deployment);
    if (!deployment.metadata.finalizers?.includes(FINALIZER_FOREGROUND)) {
      const finalizers = [...(deployment.metadata.finalizers ?? []), FINALIZER_FOREGROUND];
      await patchDeployment(deployment, { metadata: { finalizers } }, call);
      return;
    }
    const claimed = await claim(deployment, { client, resource: machineSets, informer: informers.machineSets }, call);
    const sets = claimed.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const split = splitSets(deployment, sets);
    if (split.newSet === undefined && !deployment.spec.paused) {
      await createSet(deployment, { limits, ...split }, call);
      return;
    }
    // A set that was just written is stale here: the pass that its change starts goes on.
    if (split.newSet !== undefined && (await syncRevision(deployment, { ...split, newSet: split.newSet }, call)))
      return;
    if (deployment.spec.paused) await scaleSets(sets, pausedReplicas(limits, sets), { limits, call });
    else if (split.newSet !== undefined) await roll(split.newSet, split.oldSets, { limits, call });
    await writeStatus(deployment, { ...split, sets, limits }, call);
  }

  async function roll(
    newSet: MachineSet,
    oldSets: readonly MachineSet[],
    { limits, call }: { limits: Limits; call: Call },
  ): Promise<void> {
    const replicas = newSetReplicas(limits, replicasOf(newSet), totalOf([newSet, ...oldSets]));
    await scaleSets([newSet], new Map([[newSet.metadata.uid ?? "", replicas]]), { limits, call });
    const grown = { ...newSet, spec: { ...newSet.spec, replicas } };
    await scaleSets(oldSets, oldSetReplicas(limits, grown, oldSets), { limits, call });
  }

  async function scaleSets(
    sets: readonly MachineSet[],
    wanted: ReadonlyMap<string, number>,
    { limits, call }: { limits: Limits; call: Call },
  ): Promise<void> {
    for (const set of sets) {
      const replicas = wanted.get(set.metadata.uid ?? "") ?? replicasOf(set);
      if (replicas === set.spec.replicas) continue;
      log("info", `scaling from ${replicasOf(set)} to ${replicas}`, { machineSet: keyOf(set) });
      await patchSet(set, { metadata: { annotations: replicaAnnotations(limits) }, spec: { replicas } }, call);
    }
  }

  async function createSet(
    deployment: MachineDeployment,
    { limits, oldSets }: { limits: Limits; oldSets: readonly MachineSet[] },
    { signal }: Call,
  ): Promise<void> {
    const replicas = newSetReplicas(limits, 0, totalOf(oldSets));
    const revision = nextRevision(oldSets);
    for (let collisions = 0; collisions < MOST_COLLISIONS; collisions++) {
      const set = machineSetFrom(deployment, { limits, replicas, revision, collisions });
      try {
        await client.create(machineSets, set, { signal });
        log("info", `created MachineSet ${set.metadata.name} for revision ${revision}`, {
          machineDeployment: keyOf(deployment),
        });
        return;
      } catch (error) {
        if (!isKubeError(error, "AlreadyExists")) throw error;
      }
      const { namespace = "", name = "" } = set.metadata;
      const existing = await client.get(machineSets, { namespace, name }, { signal });
      const isOurs = controllerOf(existing)?.uid === deployment.metadata.uid;
      // Ours already, and only the informer does not show it yet: its event starts the next pass.
      if (isOurs && canonicalTemplate(existing.spec.template) === canonicalTemplate(deployment.spec.template)) return;
    }
    throw new InvalidObjectError(`every name for a new MachineSet of ${keyOf(deployment)} is taken`);
  }

  /** @returns true where something was written to the MachineSet. */
  async function syncRevision(
    deployment: MachineDeployment,
    { newSet, oldSets }: { newSet: MachineSet; oldSets: readonly MachineSet[] },
    call: Call,
  ): Promise<boolean> {
    const annotations = revisionAnnotations(deployment, newSet, oldSets);
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    if (annotations !== undefined || (newSet.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      await patchSet(newSet, { ...(annotations && { metadata: { annotations } }), spec: { minReadySeconds } }, call);
      return true;
    }
    const revision = revisionOf(newSet);
    if (revision !== 0 && revisionOf(deployment) !== revision) {
      const metadata = { annotations: { [ANNOTATION_REVISION]: String(revision) } };
      await patchDeployment(deployment, { metadata }, call);
    }
    return false;
  }

  async function writeStatus(
    deployment: MachineDeployment,
    {
      newSet,
      oldSets,
      sets,
      limits,
    }: { newSet: MachineSet | undefined; oldSets: readonly MachineSet[]; sets: readonly MachineSet[]; limits: Limits },
    { signal }: Call,
  ): Promise<void> {
    const status = machineDeploymentStatus(deployment, newSet, sets);
    const { namespace = "", name = "" } = deployment.metadata;
    const same = Object.entries(status).every(
      ([field, value]) => deployment.status?.[field as keyof typeof status] === value,
    );
    if (!same) {
      const patch = { type: "merge", body: { status } } as const;
      informers.machineDeployments.observe(
        await client.patch(machineDeployments, { namespace, name }, patch, { subresource: "status", signal }),
      );
    }
    if (!isComplete(status, limits.replicas)) return;
    for (const { metadata } of surplusHistory(deployment, oldSets)) {
      await client
        .delete(
          machineSets,
          { namespace, name: metadata.name ?? "" },
          { preconditions: { uid: metadata.uid ?? "" }, signal },
        )
        .catch((error: unknown) => {
          if (!isKubeError(error, "NotFound") && !isKubeError(error, "Conflict")) throw error;
        });
    }
  }

  async function patchSet(
    { metadata }: MachineSet,
    body: { metadata?: object; spec?: object },
    { signal }: Call,
  ): Promise<void> {
    const { namespace = "", name = "", resourceVersion } = metadata;
    const guarded = { ...body, metadata: { ...body.metadata, resourceVersion } };
    informers.machineSets.observe(
      await client.patch(machineSets, { namespace, name }, { type: "merge", body: guarded }, { signal }),
    );
  }

  async function patchDeployment(
    { metadata }: MachineDeployment,
    body: { metadata: object },
    { signal }: Call,
  ): Promise<void> {
    const { namespace = "", name = "", resourceVersion } = metadata;
    const guarded = { metadata: { ...body.metadata, resourceVersion } };
    informers.machineDeployments.observe(
      await client.patch(machineDeployments, { namespace, name }, { type: "merge", body: guarded }, { signal }),
    );
  }

  const controller = createController({
    name: "machine-deployment",
    concurrency: options.concurrency,
    clock: options.clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      const conflict = isKubeError(error, "Conflict");
      log(conflict ? "debug" : "warn", message, { machineDeployment: key, retryInMs });
      const deployment = informers.machineDeployments.store.getByKey(key);
      if (deployment && !conflict) events.event(deployment, { type: "Warning", reason: "ReconcileError", message });
    },
  });
  informers.machineDeployments.onChange(({ object }) => controller.enqueue(keyOf(object)));
  informers.machineSets.onChange(({ object }) => {
    const { store } = informers.machineDeployments;
    const owner = controllerOf(object);
    const owning = owner === undefined ? undefined : store.byUid(owner.uid);
    if (owning !== undefined) controller.enqueue(keyOf(owning));
    if (owner !== undefined) return;
    for (const deployment of store.list(object.metadata.namespace)) {
      if (selects(deployment.spec.selector, object.metadata.labels)) controller.enqueue(keyOf(deployment));
    }
  });
  return controller;
}

/** @throws InvalidObjectError */
function validLimits(deployment: MachineDeployment): Limits {
  const { spec } = deployment;
  const problem = selectorProblem(spec.selector, spec.template.metadata?.labels);
  if (problem !== undefined) throw new InvalidObjectError(problem);
  const strategy = spec.strategy?.type || "RollingUpdate";
  if (strategy !== "RollingUpdate") {
    throw new InvalidObjectError(`spec.strategy.type: "${strategy}" is not supported; use RollingUpdate`);
  }
  try {
    return limitsOf(deployment);
  } catch (cause) {
    throw new InvalidObjectError(
      `spec.strategy.rollingUpdate: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
