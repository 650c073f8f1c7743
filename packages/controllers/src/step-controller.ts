/** What the controllers of MachineSets and MachineDeployments share: decide, act, until the decision is to wait. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import { isKubeError } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createController,
  type EventRecorder,
  type Informer,
  keyOf,
} from "@machine-controller/kube-runtime";
import type { Log } from "./log.ts";
import { createStatusPace, passPaceMs } from "./status-pace.ts";

/** A decision of either controller: one to wait, or a step. */
type AnyDecision = {
  readonly kind: string;
  readonly why: string;
  readonly untilMs?: number;
  readonly owesStatus?: true;
};
type Wait = { readonly kind: "wait" };

/** What a decision has to know of the pass that it is made in. */
export type Pass<F> = {
  /** UIDs of what changed under the pass's hands. */
  readonly passedOver: ReadonlySet<string>;
  /** What could not be done, while the pass goes on. */
  readonly failure: F | undefined;
  /** Since when the status has been out of date; undefined: it is not. */
  readonly staleSinceMs: number | undefined;
};

export type StepControllerOptions<T extends MachineSet | MachineDeployment, D extends AnyDecision, F> = {
  name: string;
  /** The object's kind, as log lines name its key. */
  field: "machineSet" | "machineDeployment";
  concurrency: number;
  informer: Informer<T>;
  clock: Clock;
  log: Log;
  events: EventRecorder;
  /** More in one pass means that decisions do not converge. */
  mostSteps: number;
  decide(object: T, pass: Pass<F>): D;
  act(
    decision: Exclude<D, Wait>,
    step: { object: T; passOver: (uid: string) => void; signal: AbortSignal },
  ): Promise<unknown>;
  /** What a failed step leaves to say while the pass goes on, until it waits; undefined: it ends the pass. */
  failureOf(decision: Exclude<D, Wait>, message: string): F | undefined;
};

export function createStepController<T extends MachineSet | MachineDeployment, D extends AnyDecision, F>(
  options: StepControllerOptions<T, D, F>,
): Controller {
  const { name, field, concurrency, informer, clock, log, events, mostSteps } = options;
  const pace = createStatusPace(clock);

  async function reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<{ requeueAfterMs?: number }> {
    const passedOver = new Set<string>();
    let failed: { error: unknown; failure: F } | undefined;
    for (let step = 0; step < mostSteps; step++) {
      const object = informer.store.getByKey(key);
      if (object === undefined) return {};
      const { uid = "" } = object.metadata;
      const pass = { passedOver, failure: failed?.failure, staleSinceMs: pace.staleSince(uid) };
      const decision = options.decide(object, pass);
      if (!isStep(decision)) {
        log("debug", decision.why, { [field]: key });
        pace.note(uid, decision.owesStatus ?? false);
        const waitMs = decision.untilMs === undefined ? undefined : Math.max(1, decision.untilMs - clock.now());
        if (failed === undefined) return waitMs === undefined ? {} : { requeueAfterMs: waitMs };
        if (waitMs !== undefined) controller.enqueueAfter(key, waitMs);
        throw failed.error;
      }
      log(decision.kind === "patch-status" ? "debug" : "info", `${decision.kind}: ${decision.why}`, { [field]: key });
      try {
        await options.act(decision, { object, passOver: (other) => passedOver.add(other), signal });
        if (decision.kind === "patch-status") pace.note(uid, false);
      } catch (error) {
        const failure = options.failureOf(decision, messageOf(error));
        if (signal.aborted || failure === undefined || isKubeError(error, "Conflict")) throw error;
        failed = { error, failure };
      }
    }
    throw new Error(`${field} ${key} did not come to rest within ${mostSteps} steps`);
  }

  const controller = createController({
    name,
    concurrency,
    paceMs(key) {
      const object = informer.store.getByKey(key);
      return object === undefined ? 0 : passPaceMs(object);
    },
    clock,
    reconcile,
    onError(key, error, retryInMs) {
      const message = messageOf(error);
      const isConflict = isKubeError(error, "Conflict");
      log(isConflict ? "debug" : "warn", message, { [field]: key, retryInMs });
      const object = informer.store.getByKey(key);
      if (object && !isConflict) events.event(object, { type: "Warning", reason: "ReconcileError", message });
    },
  });

  informer.onChange(({ type, object }) => {
    if (type === "deleted") pace.note(object.metadata.uid ?? "", false);
    else controller.enqueue(keyOf(object));
  });
  return controller;
}

const isStep = <D extends AnyDecision>(decision: D): decision is Exclude<D, Wait> => decision.kind !== "wait";
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
