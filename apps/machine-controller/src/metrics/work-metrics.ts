/** Counts and times every piece of work, seen from outside. */
import { isKubeError } from "@machine-controller/kube-client";
import type { Clock } from "@machine-controller/kube-runtime";
import { isProviderError } from "@machine-controller/provider";
import { Counter, Histogram, type Registry } from "prom-client";
import type { Around, Work } from "../observe/work.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** controller-runtime's. */
const RECONCILE_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** controller-runtime's too. */
const QUEUE_SECONDS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1_000];

export function createWorkMetrics({ registry, clock }: { registry: Registry; clock: Clock }): Around {
  const registers = [registry];
  const histogram = <L extends string>(
    name: string,
    help: string,
    more: { labels: readonly L[]; buckets?: number[] },
  ) => new Histogram({ name, help, labelNames: [...more.labels], buckets: more.buckets ?? SECONDS, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });

  const reconciles = counter("controller_runtime_reconcile_total", "Reconciles by their result.", [
    "controller",
    "result",
  ]);
  const reconcileErrors = counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.", [
    "controller",
  ]);
  const reconcileTime = histogram("controller_runtime_reconcile_time_seconds", "Length of a reconcile.", {
    labels: ["controller"],
    buckets: RECONCILE_SECONDS,
  });
  const waited = histogram("workqueue_queue_duration_seconds", "How long a key was ready before it was reconciled.", {
    labels: ["name", "controller"],
    buckets: QUEUE_SECONDS,
  });
  const worked = histogram("workqueue_work_duration_seconds", "Length of a reconcile.", {
    labels: ["name", "controller"],
    buckets: QUEUE_SECONDS,
  });
  const errors = new Counter({
    name: "machine_controller_errors_total",
    help: "Reconciles that failed, conflicts between writers left out.",
    registers,
  });
  const effects = histogram("machine_controller_effect_duration_seconds", "Length of an effect of a controller.", {
    labels: ["controller", "effect", "code"],
  });
  const operations = histogram(
    "machine_controller_cloud_operation_duration_seconds",
    "Length of a provider's operation; code: OK, or the error's.",
    { labels: ["provider", "operation", "code"] },
  );
  const cloudRequests = histogram(
    "machine_controller_cloud_request_duration_seconds",
    "Length of an HTTP request to a cloud; code: the answer's status, or none.",
    { labels: ["provider", "method", "code"] },
  );
  const apiRequests = histogram(
    "machine_controller_apiserver_request_duration_seconds",
    "Length of a request to the API server until its answer began; code: the answer's status, or none.",
    { labels: ["verb", "resource", "code"] },
  );
  const restRequests = counter("rest_client_requests_total", "Requests to the API server.", ["code", "method", "host"]);

  function record(work: Work, seconds: number, outcome: { result?: unknown; error?: unknown }): void {
    const failed = "error" in outcome;
    switch (work.kind) {
      case "reconcile": {
        const { controller } = work;
        reconciles.inc({ controller, result: failed ? "error" : resultOf(outcome.result) });
        reconcileTime.observe({ controller }, seconds);
        waited.observe({ name: controller, controller }, work.waitedMs / 1_000);
        worked.observe({ name: controller, controller }, seconds);
        if (failed) reconcileErrors.inc({ controller });
        if (failed && !isKubeError(outcome.error, "Conflict")) errors.inc();
        return;
      }
      case "effect":
        return effects.observe({ controller: work.controller, effect: work.effect, code: codeOf(outcome) }, seconds);
      case "cloud-operation":
        return operations.observe(
          { provider: work.provider, operation: work.operation, code: codeOf(outcome) },
          seconds,
        );
      case "cloud-request":
        return cloudRequests.observe(
          { provider: work.provider, method: work.method, code: statusOf(outcome.result) },
          seconds,
        );
      case "api-request": {
        const code = statusOf(outcome.result);
        apiRequests.observe({ verb: work.verb, resource: work.resource, code }, seconds);
        return restRequests.inc({ code, method: work.method, host: work.host });
      }
    }
  }

  return async (work, run) => {
    const startedAt = clock.now();
    const seconds = (): number => Math.max(0, clock.now() - startedAt) / 1_000;
    try {
      const result = await run();
      record(work, seconds(), { result });
      return result;
    } catch (error) {
      record(work, seconds(), { error });
      throw error;
    }
  };
}

/** controller-runtime's words. */
const resultOf = (result: unknown): string =>
  (result as { requeueAfterMs?: number } | undefined)?.requeueAfterMs === undefined ? "success" : "requeue_after";

function codeOf(outcome: { error?: unknown }): string {
  if (!("error" in outcome)) return "OK";
  const { error } = outcome;
  if (isProviderError(error) || isKubeError(error)) return error.code;
  return error instanceof Error && error.name === "AbortError" ? "Aborted" : "Error";
}

const statusOf = (result: unknown): string => (result instanceof Response ? String(result.status) : "none");
