/** Metrics whose samples are read where they are kept, at the moment of the scrape: nothing is counted twice. */
import type { Gauge, Registry } from "prom-client";

export type Sample = { labels: Readonly<Record<string, string>>; value: number };

export type CollectedMetric = {
  name: string;
  help: string;
  type: "gauge" | "counter";
  /** Label sets are distinct: Prometheus refuses a page that has one twice. Empty labels are left out. */
  collect(): Iterable<Sample>;
};

/** Unlike prom-client's own classes it takes samples whose labels differ, as the Go implementation's collectors do. */
export function registerCollected(registry: Registry, metric: CollectedMetric): void {
  const { name, help, type, collect } = metric;
  const get = async () => ({
    name,
    help,
    type,
    aggregator: "sum",
    values: Array.from(collect(), ({ labels, value }) => ({
      labels: Object.fromEntries(Object.entries(labels).filter(([, text]) => text !== "")),
      value,
    })),
  });
  // What a Registry asks of a metric, and no more.
  registry.registerMetric({ name, get, reset: () => undefined } as unknown as Gauge);
}
