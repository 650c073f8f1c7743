/** Tells how far each Machine has come, from what the API server says and nothing else. */
import { instanceNameOf, intentOf, type Machine, type MachineDeployment, recordOf } from "@machine-controller/api";
import { machineDeployments, machines } from "@machine-controller/controllers";
import { coreResources, type KubeClient, type Node } from "@machine-controller/kube-client";
import { type Clock, createInformer, keyOf } from "@machine-controller/kube-runtime";

export const STAGES = ["intent", "VM", "address", "boot", "join", "Ready"] as const;
export type Stage = (typeof STAGES)[number];

/** A Machine's way: milliseconds since it was first seen, by stage reached. */
export type Journey = {
  readonly name: string;
  readonly reached: ReadonlyMap<Stage, number>;
  readonly trouble: string | undefined;
};

export type ProgressEvent =
  | { readonly type: "stage"; readonly journey: Journey; readonly stage: Stage; readonly atMs: number }
  | { readonly type: "trouble"; readonly journey: Journey; readonly message: string }
  /** `why`: what the deletion waits for; empty as long as it goes on. */
  | { readonly type: "deleting"; readonly name: string; readonly why: string }
  | { readonly type: "deleted"; readonly name: string };

export type Progress = {
  /** Machines on their way, oldest first. */
  journeys(): Journey[];
  /** Of Machines that exist, oldest first. */
  names(): string[];
  /** Machines that exist and those whose Node is Ready. */
  counts(): { machines: number; ready: number };
  /** Resolves when as many Machines are Ready as all MachineDeployments want. */
  settled(options: { signal: AbortSignal }): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
};

type Entry = {
  name: string;
  startedAtMs: number;
  reached: Map<Stage, number>;
  trouble: string | undefined;
  /** What its deletion waits for; undefined: it is not being deleted. */
  deleting: string | undefined;
};

export function watchProgress(options: {
  client: KubeClient;
  clock: Clock;
  tell: (event: ProgressEvent) => void;
}): Progress {
  const { client, clock, tell } = options;
  const machineInformer = createInformer<Machine>({
    client,
    clock,
    resource: machines,
    indexes: { name: (machine) => [instanceNameOf(machine)] },
  });
  const nodeInformer = createInformer<Node>({ client, clock, resource: coreResources.nodes });
  const deploymentInformer = createInformer<MachineDeployment>({ client, clock, resource: machineDeployments });
  const entries = new Map<string, Entry>();
  const waiters = new Set<() => void>();

  function update(machine: Machine): void {
    const key = keyOf(machine);
    const entry = entries.get(key) ?? {
      name: machine.metadata.name ?? "",
      startedAtMs: clock.now(),
      reached: new Map<Stage, number>(),
      trouble: undefined,
      deleting: undefined,
    };
    // What was so before this process looked is no news of its own: after a restart that is every Machine.
    const isNews = entries.has(key);
    entries.set(key, entry);
    for (const stage of stagesOf(machine, nodeInformer.store.get(undefined, instanceNameOf(machine)))) {
      if (entry.reached.has(stage)) continue;
      const atMs = clock.now() - entry.startedAtMs;
      entry.reached.set(stage, atMs);
      if (isNews) tell({ type: "stage", journey: entry, stage, atMs });
    }
    const trouble = troubleOf(machine);
    if (trouble !== entry.trouble) {
      entry.trouble = trouble;
      if (trouble !== undefined) tell({ type: "trouble", journey: entry, message: trouble });
    }
    const deleting = deletionOf(machine);
    if (deleting !== undefined && deleting !== entry.deleting) {
      entry.deleting = deleting;
      tell({ type: "deleting", name: entry.name, why: deleting });
    }
  }

  machineInformer.onChange(({ type, object }) => {
    if (type !== "deleted") update(object);
    else if (entries.delete(keyOf(object))) tell({ type: "deleted", name: object.metadata.name ?? "" });
    for (const wake of waiters) wake();
  });
  nodeInformer.onChange(({ type, object }) => {
    if (type !== "added") return;
    for (const machine of machineInformer.store.byIndex("name", object.metadata.name ?? "")) update(machine);
  });
  deploymentInformer.onChange(() => {
    for (const wake of waiters) wake();
  });

  function isSettled(): boolean {
    const wanted = deploymentInformer.store.list().reduce((total, { spec }) => total + (spec.replicas ?? 1), 0);
    const { machines, ready } = counts();
    return ready >= wanted && machines === ready;
  }
  function counts(): { machines: number; ready: number } {
    const ready = [...entries.values()].filter(({ reached }) => reached.has("Ready"));
    return { machines: entries.size, ready: ready.length };
  }

  return {
    journeys: () =>
      [...entries.values()].filter(({ reached, deleting }) => !reached.has("Ready") && deleting === undefined),
    names: () => [...entries.values()].map(({ name }) => name),
    counts,
    async settled({ signal }) {
      await Promise.all([machineInformer.synced, deploymentInformer.synced]);
      while (!isSettled() && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiters.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
        await promise;
        waiters.delete(resolve);
      }
    },
    async run(signal) {
      await Promise.all([nodeInformer, deploymentInformer, machineInformer].map((informer) => informer.run(signal)));
    },
  };
}

function stagesOf(machine: Machine, node: Node | undefined): Stage[] {
  const { status } = machine;
  const isReady = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  const reached: Record<Stage, boolean> = {
    intent: quietly(() => intentOf(machine)) !== undefined,
    VM: quietly(() => recordOf(machine)) !== undefined,
    address: (status?.addresses?.length ?? 0) > 0,
    boot: node !== undefined || status?.nodeRef !== undefined,
    join: status?.nodeRef !== undefined,
    Ready: isReady ?? false,
  };
  return STAGES.filter((stage) => reached[stage]);
}

/** What the Machine says is wrong; undefined when nothing is. */
function troubleOf({ status }: Machine): string | undefined {
  if (status?.errorMessage) return status.errorMessage;
  const missing = status?.conditions?.find(({ type, status }) => type === "BootstrapReady" && status === "False");
  return missing?.message;
}

function deletionOf({ metadata, status }: Machine): string | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  return (
    status?.conditions?.find(({ type, status }) => type === "InstanceDeleted" && status === "False")?.message ?? ""
  );
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
