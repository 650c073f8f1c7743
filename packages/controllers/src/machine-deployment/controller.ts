/** Rolls a MachineDeployment's template out. */
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import type { KubeClient, Node } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  type EventRecorder,
  type Informer,
  keyOf,
} from "@machine-controller/kube-runtime";
import type { Log } from "../log.ts";
import { isNodeReady } from "../machine/node-match.ts";
import type { MachineSetOptions } from "../machine-set/controller.ts";
import { createMemberships, machinesOf } from "../machine-set/members.ts";
import { OVERDUE_MS, type PendingByUid } from "../machine-set/pending.ts";
import { claimsOf, controllerOf } from "../ownership.ts";
import { selects } from "../selector.ts";
import { STATUS_DELAY_MS } from "../status-pace.ts";
import { createStepController, type Pass } from "../step-controller.ts";
import { act } from "./act.ts";
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

const MOST_STEPS = 100;

export function createMachineDeploymentController(options: MachineDeploymentControllerOptions): Controller {
  const { clock, informers } = options;
  const membershipOf = createMemberships(informers);
  const { updatesMetadataInPlace } = options.options;
  /** UIDs of those that a Machine's next step may let go on. */
  const rolling = new Set<string>();

  /** MachineSets created that the informer does not show: a pass without one would ask for it again. */
  const created = new Map<string, { set: MachineSet; atMs: number }>();

  function awaitedSetOf(uid: string): Snapshot["awaitedSet"] {
    const awaited = created.get(uid);
    if (awaited === undefined) return undefined;
    const { set, atMs } = awaited;
    if (informers.machineSets.store.getByKey(keyOf(set)) === undefined) {
      return { set, leftMs: OVERDUE_MS - Math.abs(clock.now() - atMs) };
    }
    created.delete(uid);
    return undefined;
  }

  const controller = createStepController<MachineDeployment, Decision, string>({
    ...options,
    name: "machine-deployment",
    field: "machineDeployment",
    informer: informers.machineDeployments,
    mostSteps: MOST_STEPS,
    decide: next,
    async act(decision, { object: deployment, ...step }) {
      const outcome = await act(decision, { deployment, ...step }, options);
      if (decision.kind !== "create-set" && decision.kind !== "settle-set") return;
      const { uid = "" } = deployment.metadata;
      if (outcome === "wait") created.set(uid, { set: decision.set, atMs: clock.now() });
      else created.delete(uid);
    },
    failureOf: ({ kind }, message) => (kind === "create-set" ? message : undefined),
  });

  function next(deployment: MachineDeployment, pass: Pass<string>): Decision {
    const { uid = "" } = deployment.metadata;
    rolling.delete(uid);
    const invalid = decideInvalid(deployment, clock.now());
    if (invalid !== undefined) return invalid;
    const snapshot = observe(deployment, pass);
    if (!isComplete(snapshot)) rolling.add(uid);
    return decide(snapshot);
  }

  function observe(deployment: MachineDeployment, pass: Pass<string>): Snapshot {
    const nowMs = clock.now();
    const { uid = "" } = deployment.metadata;
    const owned = informers.machineSets.store.byIndex("controller", uid);
    const isGoing = ({ metadata }: MachineSet): boolean => metadata.deletionTimestamp !== undefined;
    const sets = owned.filter((set) => !isGoing(set) && selects(deployment.spec.selector, set.metadata.labels));
    const views = oldestFirst(sets).map((set): SetView => {
      const membership = membershipOf(set, options.pending.find(set.metadata.uid ?? ""));
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
      awaitedSet: awaitedSetOf(uid),
      newSet: views.find(({ set }) => set === newSet),
      oldSets: views.filter(({ set }) => set !== newSet),
      orphanedMachines: owned
        .filter(isGoing)
        .reduce(
          (total, set) => total + informers.machines.store.byIndex("controller", set.metadata.uid ?? "").length,
          0,
        ),
      updatesMetadataInPlace,
    };
  }

  informers.machineDeployments.onChange(({ type, object }) => {
    if (type !== "deleted") return;
    rolling.delete(object.metadata.uid ?? "");
    created.delete(object.metadata.uid ?? "");
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
