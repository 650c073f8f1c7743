/** Replicas of MachineDeployments, by the Go implementation's names, and of MachineSets likewise, read from the caches. */
import type { MachineDeployment, MachineSet } from "@machine-controller/api";
import type { Store } from "@machine-controller/kube-runtime";
import type { Registry } from "prom-client";
import { registerCollected } from "./collected-metric.ts";

export function registerReplicaMetrics(options: {
  registry: Registry;
  machineDeployments: Pick<Store<MachineDeployment>, "list">;
  machineSets: Pick<Store<MachineSet>, "list">;
}): void {
  const { registry, machineDeployments, machineSets } = options;
  const register = <T extends MachineDeployment | MachineSet>(
    kind: { prefix: string; title: string; store: { list(): T[] } },
    figures: Readonly<Record<string, [help: string, read: (object: T) => number | undefined]>>,
  ): void => {
    for (const [figure, [help, read]] of Object.entries(figures)) {
      registerCollected(registry, {
        name: `${kind.prefix}_${figure}`,
        help: `${help} of a ${kind.title}.`,
        type: "gauge",
        *collect() {
          for (const object of kind.store.list()) {
            const { name = "", namespace = "" } = object.metadata;
            yield { labels: { name, namespace }, value: read(object) ?? 0 };
          }
        },
      });
    }
  };
  register(
    { prefix: "machine_deployment", title: "MachineDeployment", store: machineDeployments },
    {
      replicas: ["Machines", ({ status }) => status?.replicas],
      available_replicas: ["Available Machines", ({ status }) => status?.availableReplicas],
      ready_replicas: ["Machines with a Ready Node", ({ status }) => status?.readyReplicas],
      updated_replicas: ["Machines of the newest revision", ({ status }) => status?.updatedReplicas],
      desired_replicas: ["Wanted Machines", ({ spec }) => spec.replicas ?? 1],
    },
  );
  register(
    { prefix: "machine_set", title: "MachineSet", store: machineSets },
    {
      replicas: ["Machines", ({ status }) => status?.replicas],
      available_replicas: ["Available Machines", ({ status }) => status?.availableReplicas],
      ready_replicas: ["Machines with a Ready Node", ({ status }) => status?.readyReplicas],
      desired_replicas: ["Wanted Machines", ({ spec }) => spec.replicas ?? 1],
    },
  );
}
