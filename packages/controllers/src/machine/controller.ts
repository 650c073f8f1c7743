/** Drives every Machine: observe, decide, act, until the decision is to wait. */
import type { Machine } from "@machine-controller/api";
import { instanceNameOf } from "@machine-controller/api";
import { ANNOTATION_INSTANCE, LABEL_CONTROLLER, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { isKubeError, type Node } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createController,
  keyOf,
  type ReconcileContext,
} from "@machine-controller/kube-runtime";
import { type Instance, isProviderError, PROVIDER_ERRORS, type ProviderError } from "@machine-controller/provider";
import type { Log } from "../log.ts";
import { act, type ActContext, CreateUnsettled } from "./act.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { byRecordedAccount, createFleets, readableRecordOf } from "./fleets.ts";
import { type Failure, type Knowledge, NOTHING_KNOWN, sawOthers } from "./knowledge.ts";
import { saySame } from "./message.ts";
import { observe, type ObserveContext, specKeyOf } from "./observe.ts";
import { isNodeReady } from "./node-match.ts";
import { createShelters, stays } from "./shelters.ts";

/** `key` is the Machine's; calls `run` once and passes on what comes of it. */
export type AroundEffect = <T>(effect: { key: string; kind: Decision["kind"] }, run: () => Promise<T>) => Promise<T>;

export type MachineControllerOptions = Omit<ObserveContext, "leadingSinceMs" | "shelters" | "fleets"> &
  Omit<ActContext, "informers"> & {
    clock: Clock;
    log: Log;
    /** `-name`: only Machines whose label `machine.k8s.io/controller` equals it. */
    name: string;
    concurrency: number;
    /** Told of every decision before it is carried out, waits included: for tracing and tests. */
    onDecision?: (machine: Machine, decision: Decision) => void;
    /** Every effect runs inside it, for metrics and traces. */
    aroundEffect?: AroundEffect;
  };

/** Steps of one pass; more means that decisions do not converge, which is a defect worth an error. */
const MOST_STEPS = 30;
/** Longer than any one effect may take, the cloud's time-outs included. */
const RECONCILE_TIMEOUT_MS = 5 * 60_000;

/** A clock that goes back, or away from the time that has passed, by more than this was set, not slewed. */
const CLOCK_SET_MS = 1_000;
/** Decisions that ask the cloud nothing, and so say nothing about a failure of it. */
const ASKS_NO_CLOUD: ReadonlySet<Decision["kind"]> = new Set([
  "patch-machine",
  "patch-node",
  "delete-node",
  "drain",
  "look-at-volumes",
  "unregister",
  "check-references",
  "prepare-user-data",
]);

export function createMachineController(options: MachineControllerOptions): Controller {
  const { informers, clock, log, events, lists, aroundEffect = (_effect, run) => run() } = options;
  const shelters = createShelters(informers);
  const fleets = createFleets({ informers, lists, clock });
  let leadingSinceMs = clock.now();
  let latestMs = leadingSinceMs;
  let known = new Map<string, Knowledge>();

  const offsetOf = (nowMs: number): number => (clock.uptime === undefined ? 0 : nowMs - clock.uptime());
  let offsetMs = offsetOf(latestMs);

  /** After a clock was set, no remembered time says how long ago it was: begin as after a restart. */
  function now(): number {
    const nowMs = clock.now();
    const wasSet = Math.abs(offsetOf(nowMs) - offsetMs) > CLOCK_SET_MS;
    offsetMs = offsetOf(nowMs);
    if (wasSet || nowMs < latestMs - CLOCK_SET_MS) {
      known = new Map();
      lists.clear();
      leadingSinceMs = nowMs;
    }
    latestMs = nowMs;
    return nowMs;
  }

  async function reconcile(
    key: string,
    { signal, leavePlace }: ReconcileContext,
  ): Promise<{ requeueAfterMs?: number }> {
    for (let step = 0, hasPlace = true; step < MOST_STEPS; step++) {
      if (!hasPlace) {
        controller.enqueue(key);
        return {};
      }
      const machine = informers.machines.store.getByKey(key);
      if (machine === undefined || (machine.metadata.labels?.[LABEL_CONTROLLER] ?? "") !== options.name) return {};
      const uid = machine.metadata.uid ?? "";
      const nowMs = now();
      const notes = known;
      const learn = (learnt: Knowledge): void => {
        // A Machine that is gone leaves nothing behind.
        if (informers.machines.store.byUid(uid) !== undefined) notes.set(uid, learnt);
      };
      let knowledge = notes.get(uid) ?? NOTHING_KNOWN;
      let decision: Decision | undefined;
      try {
        const snapshot = observe(machine, { ...options, shelters, fleets, leadingSinceMs, nowMs, knowledge });
        knowledge = snapshot.knowledge;
        learn(knowledge);
        decision = decide(snapshot);
        options.onDecision?.(machine, decision);
        if (decision.kind === "wait") {
          log("debug", decision.why, { machine: key });
          return decision.untilMs === undefined ? {} : { requeueAfterMs: Math.max(1, decision.untilMs - nowMs) };
        }
        log(decision.kind === "look-up" ? "debug" : "info", `${decision.kind}: ${decision.why}`, { machine: key });
        const effect = decision;
        // A list of a large account takes seconds, and every Machine that waits for its Node waits for it.
        hasPlace = !isShared(effect);
        if (!hasPlace) leavePlace();
        const { failure, ...learnt } = await aroundEffect({ key, kind: effect.kind }, () =>
          act(effect, { snapshot, signal }, options),
        );
        learn({ ...learnt, ...(failure && ASKS_NO_CLOUD.has(decision.kind) && { failure }) });
        if (decision.kind === "delete-machine") return {};
      } catch (error) {
        const isUnsettled = error instanceof CreateUnsettled;
        const cause = isUnsettled ? error.cause : error;
        if (isUnsettled) knowledge = { ...knowledge, createAskedAt: error.at };
        learn(knowledge);
        if (signal.aborted || !isProviderError(cause)) {
          // The Machine is gone, or changed since it was read: its next event starts a new pass.
          if (isKubeError(cause, "NotFound") && decision?.kind === "patch-machine") return {};
          throw cause;
        }
        const failure = failureOf(machine, cause, { previous: knowledge.failure, nowMs: clock.now() });
        learn({ ...knowledge, failure });
        log("warn", cause.message, { machine: key, code: cause.code, retryInMs: failure.retryAtMs - clock.now() });
        if (failure.count === 1 || !saySame(knowledge.failure?.error.message ?? "", cause.message)) {
          events.event(machine, { type: "Warning", reason: "ReconcilingError", message: cause.message });
        }
      }
    }
    throw new Error(`Machine ${key} did not come to rest within ${MOST_STEPS} steps`);
  }

  /** A cloud that does not answer holds up the Machines of its own credential, and no others. */
  function credentialOf(key: string): string {
    const machine = informers.machines.store.getByKey(key);
    const { cloudProvider } = (machine?.spec.providerSpec?.value ?? {}) as { cloudProvider?: unknown };
    const provider = typeof cloudProvider === "string" ? options.providers.get(cloudProvider) : undefined;
    return machine && provider ? provider.credentialKey(machine) : "";
  }

  const controller = createController({
    name: "machine",
    concurrency: options.concurrency,
    groupOf: credentialOf,
    clock,
    reconcile,
    reconcileTimeoutMs: RECONCILE_TIMEOUT_MS,
    onError(key, error, retryInMs) {
      const message = error instanceof Error ? error.message : String(error);
      const isConflict = isKubeError(error, "Conflict");
      log(isConflict ? "debug" : "warn", message, { machine: key, retryInMs });
      const machine = informers.machines.store.getByKey(key);
      if (machine && !isConflict) events.event(machine, { type: "Warning", reason: "ReconcilingError", message });
    },
  });

  informers.machines.onChange((change) => {
    if (change.type === "deleted") known.delete(change.object.metadata.uid ?? "");
    else controller.enqueue(keyOf(change.object), { priority: priorityOf(change.object) });
  });
  informers.nodes.onChange((change) => {
    if (change.type === "updated" && !isWorthALook(change.old, change.object)) return;
    for (const key of machinesOf(change.object, options)) controller.enqueue(key);
  });
  lists.onList((list) => {
    for (const [uid, instances] of list.byMachineUid) {
      const machine = informers.machines.store.byUid(uid);
      if (machine === undefined || !isDisplaced(machine, instances, list.startedAtMs)) continue;
      known.set(uid, sawOthers(known.get(uid) ?? NOTHING_KNOWN, list.startedAtMs));
      controller.enqueue(keyOf(machine));
    }
  });
  options.userData.onChange(() => {
    for (const [uid, { userDataMissing, ...knowledge }] of known) {
      const machine = userDataMissing && informers.machines.store.byUid(uid);
      if (machine === undefined) continue;
      known.set(uid, knowledge);
      controller.enqueue(keyOf(machine));
    }
  });
  return controller;
}

const isShared = (effect: Decision): boolean => effect.kind === "look-up" && effect.how === "list";

/** Whoever waits for a Machine waits for its instance first; those that have theirs mostly wait for it to boot. */
const priorityOf = ({ metadata }: Machine): number =>
  metadata.deletionTimestamp === undefined && metadata.annotations?.[ANNOTATION_INSTANCE] === undefined ? 1 : 0;

/** A list shows others of the Machine's mark, and not the one that was recorded before it began. */
function isDisplaced(machine: Machine, instances: readonly Instance[], listedAtMs: number): boolean {
  const record = readableRecordOf(machine);
  return (
    record !== undefined &&
    machine.metadata.deletionTimestamp === undefined &&
    Date.parse(record.at) < listedAtMs &&
    instances.every(({ id }) => id !== record.id) &&
    instances.some(({ status }) => status !== "deleting")
  );
}

/** Nodes change every few seconds with their heartbeats; a Machine looks at little of it. */
function isWorthALook(old: Node, node: Node): boolean {
  const seen = ({ metadata, spec, status }: Node) =>
    JSON.stringify([metadata.labels, metadata.annotations, spec, status?.addresses, status?.nodeInfo?.kubeletVersion]);
  return isNodeReady(old) !== isNodeReady(node) || seen(old) !== seen(node);
}

/** Keys of the Machines that a Node may belong to. */
function machinesOf(node: Node, { informers }: Pick<MachineControllerOptions, "informers">): Set<string> {
  const { store } = informers.machines;
  const owner = node.metadata.labels?.[LABEL_NODE_OWNER];
  const owning = owner === undefined ? undefined : store.byUid(owner);
  if (owning !== undefined) return new Set([keyOf(owning)]);
  const candidates = [
    ...store.byIndex("instanceName", node.metadata.name ?? ""),
    ...store.byIndex("nodeName", node.metadata.name ?? ""),
    ...store.byIndex("providerId", (node.spec?.providerID ?? "").toLowerCase()),
    ...(node.status?.addresses ?? []).flatMap(({ address }) => store.byIndex("address", address)),
  ];
  return new Set(candidates.map(keyOf));
}

/** Indexes that the informer of Machines must have. */
export const MACHINE_INDEXES = {
  instanceName: (machine: Machine) => [instanceNameOf(machine)],
  nodeName: ({ status }: Machine) => (status?.nodeRef?.name ? [status.nodeRef.name] : []),
  /** `"true"`: it stays and has no Node yet. */
  awaitsNode: (machine: Machine) => (stays(machine) && !machine.status?.nodeRef?.name ? ["true"] : []),
  providerId: (machine: Machine) => (machine.spec.providerID ? [machine.spec.providerID.toLowerCase()] : []),
  address: (machine: Machine) => (machine.status?.addresses ?? []).map(({ address }) => address),
  account: byRecordedAccount,
};

function failureOf(
  machine: Machine,
  error: ProviderError,
  { previous, nowMs }: { previous: Failure | undefined; nowMs: number },
): Failure {
  const specKey = specKeyOf(machine);
  const count = previous?.specKey === specKey ? previous.count + 1 : 1;
  const { minMs, maxMs } = PROVIDER_ERRORS[error.code].retry;
  const backoffMs = Math.min(maxMs, minMs * 2 ** Math.min(count - 1, 20));
  return { error, specKey, count, retryAtMs: nowMs + Math.max(error.retryAfterMs ?? 0, backoffMs) };
}
