/** What the process itself tells: leadership, workers, build, event loop. */
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

export type ProcessMetrics = {
  /** Whether this process leads, and with how many workers. */
  setLeading(leading: boolean): void;
  setMissingPermissions(missing: readonly { verb: string; resource: string; namespace: string }[]): void;
};

export function createProcessMetrics(options: {
  registry: Registry;
  version: string;
  leaseName: string;
  workerCount: number;
}): ProcessMetrics {
  const { registry, version, leaseName, workerCount } = options;
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "machine_controller_build_info",
    help: "1, with the version of the controller and of Node.js.",
    labelNames: ["version", "node"],
    registers,
  }).set({ version, node: process.versions.node }, 1);
  const workers = new Gauge({
    name: "machine_controller_workers",
    help: "Machines reconciled at the same time for each cloud credential; 0 while another process leads.",
    registers,
  });
  const leader = new Gauge({
    name: "leader_election_master_status",
    help: "1 while this process holds the Lease.",
    labelNames: ["name"],
    registers,
  });
  leader.set({ name: leaseName }, 0);
  const missing = new Gauge({
    name: "machine_controller_missing_permissions",
    help: "1 for each permission that the controller needs and does not have.",
    labelNames: ["verb", "resource", "namespace"],
    registers,
  });
  return {
    setLeading(leading) {
      workers.set(leading ? workerCount : 0);
      leader.set({ name: leaseName }, leading ? 1 : 0);
    },
    setMissingPermissions(list) {
      missing.reset();
      for (const { verb, resource, namespace } of list) missing.set({ verb, resource, namespace }, 1);
    },
  };
}
