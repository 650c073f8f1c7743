/** Keeps as many Machines of a template as a MachineSet wants. */
import type { Machine, MachineSet } from "@machine-controller/api";
import { FINALIZER_FOREGROUND, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import type { KubeClient, Node } from "@machine-controller/kube-client";
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
import { isNodeReady } from "../machine/node-match.ts";
import { claim, controllerOf } from "../ownership.ts";
import { machines, machineSets } from "../resources.ts";
import { selectorProblem, selects } from "../selector.ts";
import { deletionOrder } from "./delete-order.ts";
import { createPending, OVERDUE_MS, type Pending } from "./pending.ts";
import { createMachines, deleteMachines, type ScaleContext, settleOverdue } from "./scale.ts";
import { machineSetStatus } from "./status.ts";

export type MachineSetControllerOptions = {
  client: KubeClient;
  clock: Clock;
  random: { bytes(length: number): Uint8Array };
  log: Log;
  events: EventRecorder;
  concurrency: number;
  informers: { machineSets: Informer<MachineSet>; machines: Informer<Machine>; nodes: Informer<Node> };
};

/** Status writes of one MachineSet are at least this far apart: a hundred Nodes that join together are a few writes. */
const STATUS_INTERVAL_MS = 500;

export function createMachineSetController(options: MachineSetControllerOptions): Controller {
  const { client, clock, events, log, informers } = options;
  const pendingByUid = new Map<string, Pending>();
  const statusWrittenAt = new Map<string, number>();

  const pendingOf = (uid: string): Pending => {
    const pending = pendingByUid.get(uid) ?? createPending(clock);
    pendingByUid.set(uid, pending);
    return pending;
  };
  const nodeOf = ({ metadata, status }: Machine): Node | undefined => {
    const [owned] = informers.nodes.store.byIndex("owner", metadata.uid ?? "");
    return owned ?? (status?.nodeRef?.name ? informers.nodes.store.get(undefined, status.nodeRef.name) : undefined);
  };

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<{ requeueAfterMs?: number }> {
    const machineSet = informers.machineSets.store.getByKey(key);
    if (machineSet === undefined || machineSet.metadata.deletionTimestamp !== undefined) return {};
    const problem = selectorProblem(machineSet.spec.selector, machineSet.spec.template.metadata?.labels);
    if (problem !== undefined) throw new InvalidObjectError(problem);
    await ensureFinalizer(machineSet, signal);

    const claimed = await claim(machineSet, { client, resource: machines, informer: informers.machines }, { signal });
    const pending = pendingOf(machineSet.metadata.uid ?? "");
    const live = claimed.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined && !pending.isDeleted(metadata.uid ?? ""),
    );
    const context = { client, random: options.random, pending, signal };
    await settleOverdue(machineSet, context);
    const scaled = await scale(machineSet, live, context).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    signal.throwIfAborted();
    // A rollout looks at the status, also while scaling fails.
    const requeueAfterMs = await writeStatus(machineSet, live, signal);
    if (scaled !== undefined) throw scaled.error;
    // No event tells that a creation stays unseen.
    const recheckMs = pending.createdCount() > 0 ? OVERDUE_MS : Infinity;
    const soonestMs = Math.min(requeueAfterMs, recheckMs);
    return soonestMs === Infinity ? {} : { requeueAfterMs: soonestMs };
  }

  async function scale(machineSet: MachineSet, live: readonly Machine[], context: ScaleContext): Promise<void> {
    const { pending } = context;
    const missing = (machineSet.spec.replicas ?? 1) - live.length - pending.createdCount();
    if (missing > 0) {
      log("info", `creating ${missing} Machines`, { machineSet: keyOf(machineSet) });
      await createMachines(machineSet, missing, context);
    } else if (missing < 0) {
      const ordered = deletionOrder(live, machineSet.spec.deletePolicy, nodeOf);
      // Those asked for before may be on their way, however they rank by now.
      const [asked, others] = [true, false].map((wanted) =>
        ordered.filter(({ metadata }) => pending.isDeleting(metadata.uid ?? "") === wanted),
      );
      const doomed = [...(asked ?? []), ...(others ?? [])].slice(0, -missing);
      log("info", `deleting ${doomed.length} Machines`, { machineSet: keyOf(machineSet) });
      await deleteMachines(doomed, context);
    }
  }

  async function ensureFinalizer({ metadata }: MachineSet, signal: AbortSignal): Promise<void> {
    if (metadata.finalizers?.includes(FINALIZER_FOREGROUND)) return;
    const { namespace = "", name = "", resourceVersion } = metadata;
    const body = {
      metadata: { resourceVersion, finalizers: [...(metadata.finalizers ?? []), FINALIZER_FOREGROUND] },
    };
    informers.machineSets.observe(
      await client.patch(machineSets, { namespace, name }, { type: "merge", body }, { signal }),
    );
  }

  /** @returns milliseconds until the next look; Infinity: only a change needs one. */
  async function writeStatus(machineSet: MachineSet, live: readonly Machine[], signal: AbortSignal): Promise<number> {
    const nowMs = clock.now();
    const { namespace = "", name = "", uid = "" } = machineSet.metadata;
    const { status, nextAvailableAtMs = Infinity } = machineSetStatus(machineSet, live, { nodeOf, nowMs });
    const same = Object.entries(status).every(
      ([field, value]) => machineSet.status?.[field as keyof typeof status] === value,
    );
    if (!same) {
      const waitMs = (statusWrittenAt.get(uid) ?? -Infinity) + STATUS_INTERVAL_MS - nowMs;
      // More than the interval is left only where the clock was set back.
      if (waitMs > 0 && waitMs <= STATUS_INTERVAL_MS) return waitMs;
      statusWrittenAt.set(uid, nowMs);
      const patch = { type: "merge", body: { status } } as const;
      informers.machineSets.observe(
        await client.patch(machineSets, { namespace, name }, patch, { subresource: "status", signal }),
      );
    }
    return nextAvailableAtMs - nowMs;
  }

  const controller = createController({
    name: "machine-set",
    concurrency: options.concurrency,
    clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      log("warn", message, { machineSet: key, retryInMs });
      const machineSet = informers.machineSets.store.getByKey(key);
      if (machineSet) events.event(machineSet, { type: "Warning", reason: "ReconcileError", message });
    },
  });

  informers.machineSets.onChange(({ type, object }) => {
    controller.enqueue(keyOf(object));
    if (type !== "deleted") return;
    pendingByUid.delete(object.metadata.uid ?? "");
    statusWrittenAt.delete(object.metadata.uid ?? "");
  });
  informers.machines.onChange(({ type, object }) => {
    const { name = "", uid = "" } = object.metadata;
    const owner = controllerOf(object);
    const pending = owner && pendingByUid.get(owner.uid);
    if (type === "deleted") pending?.vanished({ name, uid });
    else pending?.shown(name);
    for (const machineSet of setsOf(object)) controller.enqueue(keyOf(machineSet));
  });
  informers.nodes.onChange((change) => {
    if (change.type === "updated" && isNodeReady(change.old) === isNodeReady(change.object)) return;
    const owner = change.object.metadata.labels?.[LABEL_NODE_OWNER];
    const machine = owner === undefined ? undefined : informers.machines.store.byUid(owner);
    if (machine !== undefined) for (const machineSet of setsOf(machine)) controller.enqueue(keyOf(machineSet));
  });
  return controller;

  /** The MachineSet that controls the Machine, or those that may adopt it. */
  function setsOf(machine: Machine): readonly MachineSet[] {
    const owner = controllerOf(machine);
    const { store } = informers.machineSets;
    if (owner !== undefined) return [store.byUid(owner.uid)].filter((found) => found !== undefined);
    return store.list(machine.metadata.namespace).filter(({ spec }) => selects(spec.selector, machine.metadata.labels));
  }
}
