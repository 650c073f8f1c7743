/**
 * How long Machines take: as a whole, by the Go implementation's names and buckets, and stage by stage. A stage counts if
 * this process saw it being reached, so that no restart counts one twice.
 */
import { intentOf, type Machine, recordOf } from "@machine-controller/api";
import type { Clock, Informer } from "@machine-controller/kube-runtime";
import { Histogram, type Registry } from "prom-client";
import { envelopeOf, isReady } from "./machine-metrics.ts";

const STAGES = ["created", "intent", "instance", "address", "joined", "ready"] as const;
type Stage = (typeof STAGES)[number];

/** What is known of a Machine's way: milliseconds of the clock by stage; undefined: reached before anybody looked. */
type Way = Map<Stage, number | undefined>;

/** 32 · 1.5ⁿ, as in the Go implementation. */
const WHOLE_BUCKETS = Array.from({ length: 10 }, (_, n) => 32 * 1.5 ** n);
const STAGE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 90, 120, 180, 300, 600, 1_200];

/** @returns the way out. */
export function registerProvisioningMetrics(options: {
  registry: Registry;
  machines: Pick<Informer<Machine>, "onChange">;
  clock: Clock;
}): () => void {
  const { registry, machines, clock } = options;
  const provisioning = new Histogram({
    name: "machine_controller_provisioning_time_seconds",
    help: "From a Machine's creation to the first time its Node was seen Ready.",
    buckets: WHOLE_BUCKETS,
    registers: [registry],
  });
  const deprovisioning = new Histogram({
    name: "machine_controller_deprovisioning_time_seconds",
    help: "From the beginning of a Machine's deletion until instance and Node were gone.",
    buckets: WHOLE_BUCKETS,
    registers: [registry],
  });
  const stages = new Histogram({
    name: "machine_controller_machine_stage_duration_seconds",
    help: "From the stage before to this one: intent, instance, address, joined, ready.",
    labelNames: ["provider", "stage"],
    buckets: STAGE_BUCKETS,
    registers: [registry],
  });
  const ways = new Map<string, Way>();

  function follow(machine: Machine): void {
    const { uid = "", creationTimestamp } = machine.metadata;
    const known = ways.get(uid);
    const way: Way = known ?? new Map();
    ways.set(uid, way);
    const now = clock.now();
    const reached = reachedBy(machine, now);
    for (const [index, stage] of STAGES.entries()) {
      const at = reached.get(stage);
      if (at === undefined || way.has(stage)) continue;
      // What was there at first sight was reached at an unknown time, unless the Machine has written it down.
      way.set(
        stage,
        known === undefined && (stage === "address" || stage === "joined" || stage === "ready") ? undefined : at,
      );
      const before = way.get(STAGES[index - 1] ?? "created");
      if (known === undefined || before === undefined || index === 0) continue;
      const provider = envelopeOf(machine).cloudProvider ?? "";
      stages.observe({ provider, stage }, secondsBetween(before, at));
      if (stage === "ready") provisioning.observe(secondsBetween(Date.parse(creationTimestamp ?? ""), at));
    }
  }

  return machines.onChange(({ type, object }) => {
    if (type !== "deleted") return follow(object);
    ways.delete(object.metadata.uid ?? "");
    const { deletionTimestamp } = object.metadata;
    if (deletionTimestamp !== undefined) {
      deprovisioning.observe(secondsBetween(Date.parse(deletionTimestamp), clock.now()));
    }
  });
}

/** Stages that the Machine has behind it, and when: as written down where it is, else as of now. */
function reachedBy(machine: Machine, nowMs: number): Map<Stage, number> {
  const { metadata, status } = machine;
  const written = (read: () => { at: string } | undefined): number | undefined => {
    try {
      const record = read();
      return record && Date.parse(record.at);
    } catch {
      return undefined;
    }
  };
  const times: Record<Stage, number | undefined> = {
    created: Date.parse(metadata.creationTimestamp ?? ""),
    intent: written(() => intentOf(machine)),
    instance: written(() => recordOf(machine)),
    address: (status?.addresses?.length ?? 0) > 0 ? nowMs : undefined,
    joined: status?.nodeRef === undefined ? undefined : nowMs,
    ready: isReady(status) ? nowMs : undefined,
  };
  const reached = Object.entries(times).filter(([, at]) => at !== undefined && !Number.isNaN(at));
  return new Map(reached as [Stage, number][]);
}

/** Clocks of others may be ahead of ours. */
const secondsBetween = (fromMs: number, toMs: number): number => Math.max(0, toMs - fromMs) / 1_000;
