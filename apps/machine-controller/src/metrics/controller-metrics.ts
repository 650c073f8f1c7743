/** What controllers, their queues and their informers do, under the names that controller-runtime and client-go give it. */
import type { Controller, Informer } from "@machine-controller/kube-runtime";
import type { Registry } from "prom-client";
import { type CollectedMetric, registerCollected, type Sample } from "./collected-metric.ts";

export function registerControllerMetrics(options: {
  registry: Registry;
  controllers: readonly Pick<Controller, "name" | "queue" | "concurrency">[];
  informers: readonly Pick<Informer, "name" | "metrics" | "store">[];
}): void {
  const { registry, controllers, informers } = options;
  type Queue = Controller["queue"]["metrics"];
  const ofQueues = (read: (metrics: Queue) => number) =>
    function* (): Iterable<Sample> {
      for (const { name, queue } of controllers)
        yield { labels: { name, controller: name }, value: read(queue.metrics) };
    };
  const ofControllers = (read: (controller: (typeof controllers)[number]) => number) =>
    function* (): Iterable<Sample> {
      for (const controller of controllers) yield { labels: { controller: controller.name }, value: read(controller) };
    };
  const ofInformers = (read: (informer: (typeof informers)[number]) => number) =>
    function* (): Iterable<Sample> {
      for (const informer of informers) yield { labels: { resource: informer.name }, value: read(informer) };
    };
  const metrics: Record<string, [CollectedMetric["type"], help: string, CollectedMetric["collect"]]> = {
    controller_runtime_max_concurrent_reconciles: [
      "gauge",
      "Reconciles at the same time; of Machines, for each cloud credential.",
      ofControllers(({ concurrency }) => concurrency),
    ],
    controller_runtime_active_workers: [
      "gauge",
      "Reconciles under way.",
      ofControllers(({ queue }) => queue.metrics.processing),
    ],
    workqueue_depth: ["gauge", "Keys that are ready to be reconciled.", ofQueues(({ ready }) => ready)],
    workqueue_adds_total: ["counter", "Keys that became ready.", ofQueues(({ added }) => added)],
    workqueue_retries_total: ["counter", "Keys that came back after a failure.", ofQueues(({ retried }) => retried)],
    workqueue_longest_running_processor_seconds: [
      "gauge",
      "Age of the reconcile that has been under way longest.",
      ofQueues(({ longestProcessingMs }) => longestProcessingMs / 1_000),
    ],
    workqueue_unfinished_work_seconds: [
      "gauge",
      "Age of all reconciles under way, together.",
      ofQueues(({ unfinishedMs }) => unfinishedMs / 1_000),
    ],
    machine_controller_workqueue_oldest_seconds: [
      "gauge",
      "How long the key that waits longest has been ready.",
      ofQueues(({ oldestReadyMs }) => oldestReadyMs / 1_000),
    ],
    machine_controller_workqueue_delayed: [
      "gauge",
      "Keys that come back at a set time.",
      ofQueues(({ delayed }) => delayed),
    ],
    machine_controller_informer_objects: ["gauge", "Objects in the cache.", ofInformers(({ store }) => store.size)],
    machine_controller_informer_lists_total: ["counter", "Full lists.", ofInformers(({ metrics }) => metrics.lists)],
    machine_controller_informer_watches_total: [
      "counter",
      "Watches begun, the first one included.",
      ofInformers(({ metrics }) => metrics.watches),
    ],
    machine_controller_informer_errors_total: [
      "counter",
      "Lists and watches that failed or expired.",
      ofInformers(({ metrics }) => metrics.errors),
    ],
  };
  for (const [name, [type, help, collect]] of Object.entries(metrics)) {
    registerCollected(registry, { name, type, help, collect });
  }
}
