/** How many instances in the clouds belong to no Machine, as of the orphan collector's last pass. */
import type { Registry } from "prom-client";
import { registerCollected } from "./collected-metric.ts";

/** @returns takes the orphans of a pass in; a provider that had some stays, with 0. */
export function createOrphanMetric(registry: Registry): (orphans: readonly { provider: string }[]) => void {
  const counts = new Map<string, number>();
  registerCollected(registry, {
    name: "machine_controller_orphans",
    help: "Instances that bear this cluster's mark and whose Machine does not exist.",
    type: "gauge",
    *collect() {
      for (const [provider, value] of counts) yield { labels: { provider }, value };
    },
  });
  return (orphans) => {
    for (const provider of counts.keys()) counts.set(provider, 0);
    for (const { provider } of orphans) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  };
}
