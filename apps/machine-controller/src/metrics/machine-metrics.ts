/** The Machines' metrics, by the Go implementation's names and types, kept as the informer's events come in. */
import type { Machine } from "@machine-controller/api";
import type { Informer } from "@machine-controller/kube-runtime";
import type { Registry } from "prom-client";
import { registerCollected, type Sample } from "./collected-metric.ts";
import { createTally } from "./tally.ts";

type Times = { name: string; created: number; deleted: number | undefined };

/**
 * @param options.labelsOf the provider's labels of a Machine. It asks nothing of anybody.
 * @returns the way out, for a process that stops to lead.
 */
export function registerMachineMetrics(options: {
  registry: Registry;
  machines: Pick<Informer<Machine>, "onChange">;
  labelsOf: (machine: Machine) => Readonly<Record<string, string>>;
}): () => void {
  const { registry, machines, labelsOf } = options;
  const byLabels = createTally();
  const byState = createTally();
  const times = new Map<string, Times>();

  registerCollected(registry, {
    name: "machine_controller_machines_total",
    help: "Number of Machines by kubelet version, provider, operating system and the provider's own labels.",
    type: "counter",
    *collect() {
      let some = false;
      for (const sample of byLabels.samples()) {
        some = true;
        yield sample;
      }
      if (!some) yield { labels: {}, value: 0 };
    },
  });
  registerCollected(registry, {
    name: "machine_controller_machine_created",
    help: "Unix time of a Machine's creation; of several of one name in different namespaces, the oldest's.",
    type: "gauge",
    collect: () => oldestByName(times.values(), ({ created }) => created),
  });
  registerCollected(registry, {
    name: "machine_controller_machine_deleted",
    help: "Unix time at which a Machine's deletion began, while it lasts; of several of one name, the oldest's.",
    type: "gauge",
    collect: () => oldestByName(times.values(), ({ deleted }) => deleted),
  });
  registerCollected(registry, {
    name: "machine_controller_machines",
    help: "Number of Machines by namespace, provider and state: provisioning, joined, ready, failed, deleting.",
    type: "gauge",
    collect: () => byState.samples(),
  });

  return machines.onChange(({ type, object }) => {
    const { uid = "", name = "", namespace = "", creationTimestamp, deletionTimestamp } = object.metadata;
    if (type === "deleted") {
      byLabels.delete(uid);
      byState.delete(uid);
      times.delete(uid);
      return;
    }
    const { cloudProvider = "", operatingSystem = "" } = envelopeOf(object);
    const kubelet = object.spec.versions?.kubelet ?? "";
    byLabels.set(uid, { kubelet_version: kubelet, provider: cloudProvider, os: operatingSystem, ...labelsOf(object) });
    byState.set(uid, { namespace, provider: cloudProvider, state: stateOf(object) });
    times.set(uid, {
      name,
      created: toSeconds(creationTimestamp) ?? 0,
      deleted: toSeconds(deletionTimestamp),
    });
  });
}

/** Two namespaces may hold a Machine of the same name, and the label set has no place for a namespace. */
function oldestByName(all: Iterable<Times>, timeOf: (times: Times) => number | undefined): Iterable<Sample> {
  const oldest = new Map<string, number>();
  for (const times of all) {
    const time = timeOf(times);
    if (time !== undefined) oldest.set(times.name, Math.min(time, oldest.get(times.name) ?? Infinity));
  }
  return oldest.entries().map(([machine, value]) => ({ labels: { machine }, value }));
}

function stateOf({ metadata, status }: Machine): string {
  if (metadata.deletionTimestamp !== undefined) return "deleting";
  if (isReady(status)) return "ready";
  if (status?.errorReason) return "failed";
  return status?.nodeRef === undefined ? "provisioning" : "joined";
}

export const isReady = (status: Machine["status"]): boolean =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** As far as it is one: no schema has passed it, and a metric is no place to complain. */
export function envelopeOf({ spec }: Machine): { cloudProvider?: string; operatingSystem?: string } {
  const value: unknown = spec.providerSpec?.value;
  const { cloudProvider, operatingSystem } = (value ?? {}) as Record<string, unknown>;
  return {
    ...(typeof cloudProvider === "string" && { cloudProvider }),
    ...(typeof operatingSystem === "string" && { operatingSystem }),
  };
}

function toSeconds(time: string | undefined): number | undefined {
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? undefined : ms / 1_000;
}
