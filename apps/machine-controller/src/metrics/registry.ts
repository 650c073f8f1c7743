/** All metrics of a process: what it is and does from the start, and what only a leader has once it leads. */
import type { Controllers } from "@machine-controller/controllers";
import type { Clock } from "@machine-controller/kube-runtime";
import type { CallBudget, Provider } from "@machine-controller/provider";
import { Registry } from "prom-client";
import type { Around } from "../observe/work.ts";
import { createBudgetMetrics } from "./budget-metrics.ts";
import { registerControllerMetrics } from "./controller-metrics.ts";
import { envelopeOf, registerMachineMetrics } from "./machine-metrics.ts";
import { createOrphanMetric } from "./orphan-metric.ts";
import { createProcessMetrics, type ProcessMetrics } from "./process-metrics.ts";
import { registerProvisioningMetrics } from "./provisioning-metrics.ts";
import { registerReplicaMetrics } from "./replica-metrics.ts";
import { createWorkMetrics } from "./work-metrics.ts";

export type Metrics = ProcessMetrics & {
  around: Around;
  /** Told of the call budget of every cloud credential that is taken into use. */
  addBudget(of: { provider: string; credential: string }, budget: Pick<CallBudget, "state">): void;
  /** Told after each pass of the instances whose Machine no longer exists. */
  setOrphans(orphans: readonly { provider: string }[]): void;
  /** Called once, when this process begins to lead. */
  watch(created: Controllers & { providers: ReadonlyMap<string, Provider> }): void;
  /** In the text form of Prometheus. */
  page(): Promise<{ text: string; type: string }>;
};

export function createMetrics(options: {
  clock: Clock;
  version: string;
  leaseName: string;
  workerCount: number;
}): Metrics {
  const registry = new Registry();
  const { clock } = options;
  return {
    ...createProcessMetrics({ registry, ...options }),
    around: createWorkMetrics({ registry, clock }),
    addBudget: createBudgetMetrics(registry),
    setOrphans: createOrphanMetric(registry),
    watch({ controllers, informers, caches, providers }) {
      registerControllerMetrics({ registry, controllers, informers });
      registerMachineMetrics({
        registry,
        machines: caches.machines,
        labelsOf: (machine) =>
          providers.get(envelopeOf(machine).cloudProvider ?? "")?.machineMetricsLabels(machine) ?? {},
      });
      registerProvisioningMetrics({ registry, machines: caches.machines, clock });
      const { machineDeployments, machineSets } = caches;
      registerReplicaMetrics({
        registry,
        machineDeployments: machineDeployments.store,
        machineSets: machineSets.store,
      });
    },
    page: async () => ({ text: await registry.metrics(), type: registry.contentType }),
  };
}
