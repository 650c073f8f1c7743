/** Rolls a MachineDeployment's template out: observe, decide, act, until the decision is to wait. */
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { isKubeError, type KubeClient, type Node } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createController,
  type EventRecorder,
  type Informer,
  keyOf,
} from "@machine-controller/kube-runtime";
import type { Log } from "../log.ts";
import { isNodeReady } from "../machine/node-match.ts";
import type { MachineSetOptions } from "../machine-set/controller.ts";
import { machinesOf, membershipOf } from "../machine-set/members.ts";
import { OVERDUE_MS, type PendingByUid } from "../machine-set/pending.ts";
import { claimsOf, controllerOf } from "../ownership.ts";
import { selects } from "../selector.ts";
import { createStatusPace, PASS_PACE_MS, STATUS_DELAY_MS } from "../status-pace.ts";
import { act, find } from "./act.ts";
import { isComplete } from "./counts.ts";
import { oldestFirst, splitSets } from "./current-set.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { decideInvalid } from "./decide-invalid.ts";
import { limitsOf } from "./rollout.ts";
import { type SetView, sizeOf, type Snapshot } from "./snapshot.ts";

export type MachineDeploymentControllerOptions = {
  client: KubeClient;
  clock: Clock;
  log: Log;
  events: EventRecorder;
  concurrency: number;
  informers: {
    machineDeployments: Informer<MachineDeployment>;
    machineSets: Informer<MachineSet>;
    machines: Informer<Machine>;
    nodes: Informer<Node>;
  };
  /** What the MachineSet controller has asked for and no informer shows yet. */
  pending: PendingByUid;
  options: MachineSetOptions;
};

/** More means that decisions do not converge. */
const MOST_STEPS = 100;

export function createMachineDeploymentController(options: MachineDeploymentControllerOptions): Controller {
  const { clock, log, events, informers } = options;
  const { updatesMetadataInPlace } = options.options;
  const pace = createStatusPace(clock);
  /** UIDs of those that a Machine's next step may let go on. */
  const rolling = new Set<string>();

  /** MachineSets created that the informer does not show: a pass without one would ask for it again. */
  const created = new Map<string, { set: MachineSet; atMs: number }>();

  /**
   * Milliseconds that a MachineDeployment's new MachineSet may still take to show; 0: nothing is awaited. One that is
   * overdue is gone again, or the informer is far behind: the API server knows.
   */
  async function awaitsSet(uid: string, signal: AbortSignal): Promise<number> {
    const awaited = created.get(uid);
    if (awaited === undefined) return 0;
    if (informers.machineSets.store.getByKey(keyOf(awaited.set)) === undefined) {
      const leftMs = OVERDUE_MS - Math.abs(clock.now() - awaited.atMs);
      if (leftMs > 0) return leftMs;
      if ((await find(awaited.set, { client: options.client, signal })) !== undefined) {
        created.set(uid, { ...awaited, atMs: clock.now() });
        return OVERDUE_MS;
      }
    }
    created.delete(uid);
    return 0;
  }

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<{ requeueAfterMs?: number }> {
    const passedOver = new Set<string>();
    let failed: { error: unknown; failure: string } | undefined;
    for (let step = 0; step < MOST_STEPS; step++) {
      const { store } = informers.machineDeployments;
      const waitForSetMs = await awaitsSet(store.getByKey(key)?.metadata.uid ?? "", signal);
      if (waitForSetMs > 0) return { requeueAfterMs: waitForSetMs };
      const deployment = store.getByKey(key);
      if (deployment === undefined) return {};
      const uid = deployment.metadata.uid ?? "";
      const { decision, isRolling } = next(deployment, { passedOver, failure: failed?.failure });
      if (decision.kind === "wait") {
        log("debug", decision.why, { machineDeployment: key });
        pace.note(uid, decision.owesStatus ?? false);
        if (isRolling()) rolling.add(uid);
        else rolling.delete(uid);
        const waitMs = decision.untilMs === undefined ? undefined : Math.max(1, decision.untilMs - clock.now());
        if (failed === undefined) return waitMs === undefined ? {} : { requeueAfterMs: waitMs };
        if (waitMs !== undefined) controller.enqueueAfter(key, waitMs);
        throw failed.error;
      }
      const level = decision.kind === "patch-status" ? "debug" : "info";
      log(level, `${decision.kind}: ${decision.why}`, { machineDeployment: key });
      try {
        const outcome = await act(decision, { deployment, passOver: (set) => passedOver.add(set), signal }, options);
        if (decision.kind === "patch-status") pace.note(uid, false);
        if (outcome === "wait" && decision.kind === "create-set") {
          created.set(uid, { set: decision.set, atMs: clock.now() });
        }
      } catch (error) {
        if (signal.aborted || decision.kind !== "create-set" || isKubeError(error, "Conflict")) throw error;
        failed = { error, failure: error instanceof Error ? error.message : String(error) };
      }
    }
    throw new Error(`MachineDeployment ${key} did not come to rest within ${MOST_STEPS} steps`);
  }

  function next(
    deployment: MachineDeployment,
    pass: Pick<Snapshot, "passedOver" | "failure">,
  ): { decision: Decision; isRolling: () => boolean } {
    const invalid = decideInvalid(deployment, clock.now());
    if (invalid !== undefined) return { decision: invalid, isRolling: () => false };
    const snapshot = observe(deployment, pass);
    return { decision: decide(snapshot), isRolling: () => !isComplete(snapshot) };
  }

  function observe(deployment: MachineDeployment, pass: Pick<Snapshot, "passedOver" | "failure">): Snapshot {
    const nowMs = clock.now();
    const { uid = "" } = deployment.metadata;
    const owned = informers.machineSets.store.byIndex("controller", uid);
    const isGoing = ({ metadata }: MachineSet): boolean => metadata.deletionTimestamp !== undefined;
    const sets = owned.filter((set) => !isGoing(set) && selects(deployment.spec.selector, set.metadata.labels));
    const views = oldestFirst(sets).map((set): SetView => {
      const membership = membershipOf(set, { informers, pending: options.pending.find(set.metadata.uid ?? "") });
      return { ...membership, set, size: sizeOf(set, membership, nowMs) };
    });
    const { newSet } = splitSets(deployment, sets, { updatesMetadataInPlace });
    return {
      ...pass,
      nowMs,
      deployment,
      limits: limitsOf(deployment),
      claims: claimsOf(deployment, informers.machineSets),
      sets: views,
      newSet: views.find(({ set }) => set === newSet),
      oldSets: views.filter(({ set }) => set !== newSet),
      orphanedMachines: owned
        .filter(isGoing)
        .reduce(
          (total, set) => total + informers.machines.store.byIndex("controller", set.metadata.uid ?? "").length,
          0,
        ),
      staleSinceMs: pace.staleSince(uid),
      updatesMetadataInPlace,
    };
  }

  const controller = createController({
    name: "machine-deployment",
    concurrency: options.concurrency,
    paceMs: PASS_PACE_MS,
    clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      const conflict = isKubeError(error, "Conflict");
      log(conflict ? "debug" : "warn", message, { machineDeployment: key, retryInMs });
      const deployment = informers.machineDeployments.store.getByKey(key);
      if (deployment && !conflict) events.event(deployment, { type: "Warning", reason: "ReconcileError", message });
    },
  });

  informers.machineDeployments.onChange(({ type, object }) => {
    if (type !== "deleted") return controller.enqueue(keyOf(object));
    rolling.delete(object.metadata.uid ?? "");
    created.delete(object.metadata.uid ?? "");
    pace.note(object.metadata.uid ?? "", false);
  });
  informers.machineSets.onChange((change) => {
    const { store } = informers.machineDeployments;
    for (const set of change.type === "updated" ? [change.old, change.object] : [change.object]) {
      const owner = controllerOf(set);
      const owning = owner === undefined ? undefined : store.byUid(owner.uid);
      if (owning !== undefined) controller.enqueue(keyOf(owning));
      if (owner !== undefined) continue;
      for (const deployment of store.list(set.metadata.namespace)) {
        if (selects(deployment.spec.selector, set.metadata.labels)) controller.enqueue(keyOf(deployment));
      }
    }
  });
  informers.machines.onChange(({ object }) => noticeMachine(object));
  informers.nodes.onChange((change) => {
    if (change.type === "updated" && isNodeReady(change.old) === isNodeReady(change.object)) return;
    for (const machine of machinesOf(change.object, informers)) noticeMachine(machine);
  });
  return controller;

  /** A rollout goes on at once; what only shows in a status may gather for a moment. */
  function noticeMachine(machine: Machine): void {
    const set = informers.machineSets.store.byUid(controllerOf(machine)?.uid ?? "");
    const owner = set === undefined ? undefined : controllerOf(set);
    const deployment = informers.machineDeployments.store.byUid(owner?.uid ?? "");
    if (deployment === undefined) return;
    if (rolling.has(deployment.metadata.uid ?? "")) controller.enqueue(keyOf(deployment));
    else controller.enqueueAfter(keyOf(deployment), STATUS_DELAY_MS);
  }
}
