/** What the server counts of itself, under the names of kube-apiserver. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Resource } from "../registry/resource.ts";
import type { Storage } from "../storage/storage.ts";
import type { InFlight } from "./in-flight.ts";

/** What is known of a request once it is answered. `resource` is absent for paths of their own, such as /version. */
export type Observation = {
  verb: string;
  resource?: Resource;
  subresource: string;
  scope: "resource" | "namespace" | "cluster" | "";
  isDryRun: boolean;
};

export type Metrics = {
  observe(observation: Observation, outcome: { code: number; ms: number }): void;
  /** In the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
};

const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const VERBS = ["GET", "LIST", "WATCH", "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION"];
const METHODS: Record<string, string> = { CREATE: "POST", UPDATE: "PUT" };
const LABELS = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"] as const;

export function createMetrics(options: { storage: Storage; inFlight: InFlight }): Metrics {
  const { storage, inFlight } = options;
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests by verb, resource and code of the answer; a watch counts when it begins.",
    labelNames: [...LABELS, "code"],
    registers,
  });
  const durations = new Histogram({
    name: "apiserver_request_duration_seconds",
    help: "How long requests took, watches left out.",
    labelNames: LABELS,
    buckets: BUCKETS,
    registers,
  });
  const gauge = ([name, label]: [string, string?], help: string, collect: (gauge: Gauge) => void): void => {
    const labelNames = label === undefined ? [] : [label];
    const registered: Gauge = new Gauge({ name, help, labelNames, registers, collect: () => collect(registered) });
  };
  gauge(["apiserver_current_inflight_requests", "request_kind"], "Requests at work, watches left out.", (current) => {
    for (const kind of ["mutating", "readOnly"] as const) current.set({ request_kind: kind }, inFlight.count(kind));
  });
  gauge(["apiserver_storage_objects", "resource"], "Objects in the store, by resource.", (objects) => {
    objects.reset();
    for (const { resource, count } of storage.counts()) objects.set({ resource }, count);
  });
  for (const name of ["apiserver_storage_size_bytes", "etcd_mvcc_db_total_size_in_bytes"]) {
    gauge([name], "Size of the database.", (size) => size.set(storage.sizeBytes()));
  }
  gauge(["apiserver_storage_current_revision"], "Revision of the last write.", (last) => last.set(storage.revision));
  gauge(["apiserver_storage_compacted_revision"], "Changes up to this revision are forgotten.", (forgotten) =>
    forgotten.set(storage.compacted),
  );
  gauge(["process_resident_memory_bytes"], "Resident memory size in bytes.", (memory) =>
    memory.set(process.memoryUsage.rss()),
  );

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe({ verb, resource, subresource, scope, isDryRun }, { code, ms }) {
      const upper = verb.toUpperCase();
      const method = METHODS[upper] ?? upper;
      const labels = {
        verb: VERBS.includes(method) ? method : "other",
        dry_run: isDryRun ? "All" : "",
        group: resource?.group ?? "",
        version: resource?.version ?? "",
        resource: resource?.plural ?? "",
        subresource: resource === undefined ? "" : subresource,
        scope,
        component: "apiserver",
      };
      requests.inc({ ...labels, code: String(code) });
      if (method !== "WATCH") durations.observe(labels, ms / 1000);
    },
  };
}
