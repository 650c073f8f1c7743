/** Keeps as many Machines of a template as a MachineSet wants. */
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
import { isReplacedOnDeletion } from "../machine-deployment/current-set.ts";
import { claimsOf, controllerOf } from "../ownership.ts";
import { selects } from "../selector.ts";
import { STATUS_DELAY_MS } from "../status-pace.ts";
import { createStepController, type Pass } from "../step-controller.ts";
import { act } from "./act.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { createMemberships, machinesOf } from "./members.ts";
import type { PendingByUid } from "./pending.ts";
import type { Snapshot } from "./snapshot.ts";

export type MachineSetOptions = {
  /** Labels, annotations and taints of a template are put on the Machines that exist, without replacing them. */
  updatesMetadataInPlace: boolean;
};

export type MachineSetControllerOptions = {
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
  pending: PendingByUid;
  options: MachineSetOptions;
};

/** Steps of one pass, batches of creations included. */
const MOST_STEPS = 1_000;
const SCALING: Partial<Record<Decision["kind"], "FailedCreate" | "FailedDelete">> = {
  "create-machines": "FailedCreate",
  "settle-creations": "FailedCreate",
  "delete-machines": "FailedDelete",
};

export function createMachineSetController(options: MachineSetControllerOptions): Controller {
  const { clock, informers } = options;
  const membershipOf = createMemberships(informers);

  const controller = createStepController<MachineSet, Decision, NonNullable<Snapshot["failure"]>>({
    ...options,
    name: "machine-set",
    field: "machineSet",
    informer: informers.machineSets,
    mostSteps: MOST_STEPS,
    decide: (machineSet, pass) => decide(observe(machineSet, pass)),
    act: (decision, { object: machineSet, ...step }) =>
      act(decision, { machineSet, pending: options.pending.of(machineSet.metadata.uid ?? ""), ...step }, options),
    // A rollout looks at the status, also while scaling fails.
    failureOf({ kind }, message) {
      const reason = SCALING[kind];
      return reason && { reason, message };
    },
  });

  function observe(machineSet: MachineSet, pass: Pass<NonNullable<Snapshot["failure"]>>): Snapshot {
    const pending = options.pending.of(machineSet.metadata.uid ?? "");
    const { members, ...membership } = membershipOf(machineSet, pending);
    return {
      ...pass,
      ...membership,
      members: members.filter(({ machine }) => selects(machineSet.spec.selector, machine.metadata.labels)),
      nowMs: clock.now(),
      machineSet,
      claims: claimsOf(machineSet, informers.machines),
      overdue: pending.overdue(),
      batch: pending.batch(),
      replacesMissing: !isReplacedOnDeletion(machineSet, informers, options.options),
      updatesMetadataInPlace: options.options.updatesMetadataInPlace,
    };
  }

  informers.machineSets.onChange(({ type, object }) => {
    if (type === "deleted") options.pending.forget(object.metadata.uid ?? "");
  });
  informers.machines.onChange((change) => {
    const { type, object } = change;
    const { name = "", uid = "" } = object.metadata;
    const pending = options.pending.find(controllerOf(object)?.uid ?? "");
    if (type === "deleted") pending?.vanished({ name, uid });
    else pending?.shown(name);
    const owners = new Set([...setsOf(object), ...(change.type === "updated" ? setsOf(change.old) : [])]);
    for (const machineSet of owners) {
      if (change.type === "updated" && !isWorthAPass(change))
        controller.enqueueAfter(keyOf(machineSet), STATUS_DELAY_MS);
      else controller.enqueue(keyOf(machineSet));
    }
  });
  informers.nodes.onChange((change) => {
    if (change.type === "updated" && isNodeReady(change.old) === isNodeReady(change.object)) return;
    for (const machine of machinesOf(change.object, informers)) {
      for (const machineSet of setsOf(machine)) controller.enqueue(keyOf(machineSet));
    }
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

/** Machines write their status often; only what decides about counts, owners and templates needs a pass at once. */
function isWorthAPass({ old, object }: { old: Machine; object: Machine }): boolean {
  const seen = ({ metadata, spec, status }: Machine) =>
    JSON.stringify([
      metadata.deletionTimestamp,
      metadata.labels,
      metadata.ownerReferences,
      spec,
      status?.nodeRef?.name,
    ]);
  return seen(old) !== seen(object);
}
