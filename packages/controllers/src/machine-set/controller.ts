/** Keeps as many Machines of a template as a MachineSet wants: observe, decide, act, until the decision is to wait. */
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
import { isReplacedOnDeletion } from "../machine-deployment/current-set.ts";
import { claimsOf, controllerOf } from "../ownership.ts";
import { selects } from "../selector.ts";
import { createStatusPace, PASS_PACE_MS, STATUS_DELAY_MS } from "../status-pace.ts";
import { act } from "./act.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { machinesOf, membershipOf } from "./members.ts";
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

/** Steps of one pass, batches of creations included; more means that decisions do not converge. */
const MOST_STEPS = 1_000;
const SCALING: Partial<Record<Decision["kind"], "FailedCreate" | "FailedDelete">> = {
  "create-machines": "FailedCreate",
  "settle-creations": "FailedCreate",
  "delete-machines": "FailedDelete",
};

export function createMachineSetController(options: MachineSetControllerOptions): Controller {
  const { clock, events, log, informers } = options;
  const pace = createStatusPace(clock);

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<{ requeueAfterMs?: number }> {
    const passedOver = new Set<string>();
    let failed: { error: unknown; failure: Snapshot["failure"] } | undefined;
    for (let step = 0; step < MOST_STEPS; step++) {
      const machineSet = informers.machineSets.store.getByKey(key);
      if (machineSet === undefined) return {};
      const uid = machineSet.metadata.uid ?? "";
      const pending = options.pending.of(uid);
      const decision = decide(observe(machineSet, { passedOver, failure: failed?.failure }));
      if (decision.kind === "wait") {
        log("debug", decision.why, { machineSet: key });
        pace.note(uid, decision.owesStatus ?? false);
        const waitMs = decision.untilMs === undefined ? undefined : Math.max(1, decision.untilMs - clock.now());
        if (failed === undefined) return waitMs === undefined ? {} : { requeueAfterMs: waitMs };
        if (waitMs !== undefined) controller.enqueueAfter(key, waitMs);
        throw failed.error;
      }
      const level = decision.kind === "patch-status" ? "debug" : "info";
      log(level, `${decision.kind}: ${decision.why}`, { machineSet: key });
      try {
        await act(decision, { machineSet, pending, passOver: (uid) => passedOver.add(uid), signal }, options);
        if (decision.kind === "patch-status") pace.note(uid, false);
      } catch (error) {
        const reason = SCALING[decision.kind];
        if (signal.aborted || reason === undefined || isKubeError(error, "Conflict")) throw error;
        // A rollout looks at the status, also while scaling fails.
        failed = { error, failure: { reason, message: error instanceof Error ? error.message : String(error) } };
      }
    }
    throw new Error(`MachineSet ${key} did not come to rest within ${MOST_STEPS} steps`);
  }

  function observe(machineSet: MachineSet, pass: Pick<Snapshot, "passedOver" | "failure">): Snapshot {
    const pending = options.pending.of(machineSet.metadata.uid ?? "");
    const { members, ...membership } = membershipOf(machineSet, { informers, pending });
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
      staleSinceMs: pace.staleSince(machineSet.metadata.uid ?? ""),
      updatesMetadataInPlace: options.options.updatesMetadataInPlace,
    };
  }

  const controller = createController({
    name: "machine-set",
    concurrency: options.concurrency,
    paceMs: PASS_PACE_MS,
    clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      const isConflict = isKubeError(error, "Conflict");
      log(isConflict ? "debug" : "warn", message, { machineSet: key, retryInMs });
      const machineSet = informers.machineSets.store.getByKey(key);
      if (machineSet && !isConflict) events.event(machineSet, { type: "Warning", reason: "ReconcileError", message });
    },
  });

  informers.machineSets.onChange(({ type, object }) => {
    if (type !== "deleted") return controller.enqueue(keyOf(object));
    options.pending.forget(object.metadata.uid ?? "");
    pace.note(object.metadata.uid ?? "", false);
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
