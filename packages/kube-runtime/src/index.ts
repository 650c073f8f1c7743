/**
 * Runs controllers: informers with indexes, a work queue, workers, leader election, events. Knows no Machine.
 *
 * ```ts
 * const nodes = createInformer({ client, resource: coreResources.nodes, clock: systemClock });
 * const controller = createController({
 *   name: "nodes",
 *   concurrency: 4,
 *   clock: systemClock,
 *   reconcile: async (key) => console.log(nodes.store.getByKey(key)?.status?.conditions),
 * });
 * nodes.onChange(({ object }) => controller.enqueue(keyOf(object)));
 * await runManager({ informers: [nodes], controllers: [controller], clock: systemClock, signal });
 * ```
 */
export { systemClock, type Clock } from "@machine-controller/kube-client";
export { backoffMs, type Backoff } from "./backoff.ts";
export { createManualClock, type ManualClock } from "./clock.ts";
export {
  createController,
  type AroundPass,
  type Controller,
  type ControllerOptions,
  type Pass,
  type Reconcile,
  type ReconcileContext,
  type ReconcileResult,
} from "./controller.ts";
export {
  createEventRecorder,
  type EventInput,
  type EventRecorder,
  type EventRecorderOptions,
} from "./event-recorder.ts";
export { createInformer, type Change, type Informer, type InformerOptions } from "./informer.ts";
export { LeaderElectionError, runLeaderElection, type LeaderElectionOptions } from "./leader-election.ts";
export { runManager, waitForSync, type ManagerOptions } from "./manager.ts";
export { compareResourceVersions } from "./resource-version.ts";
export { createStore, fromKey, keyOf, toKey, type IndexFunctions, type Store, type WritableStore } from "./store.ts";
export {
  createWorkQueue,
  type AddOptions,
  type WorkQueue,
  type WorkQueueMetrics,
  type WorkQueueOptions,
} from "./work-queue.ts";
