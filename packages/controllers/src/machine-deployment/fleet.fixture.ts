/** A MachineDeployment in a world whose Machines get Ready Nodes a moment after they exist, with no cloud between. */
import type { DeploymentCondition, Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { API_VERSION, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import { coreResources, type Node } from "@machine-controller/kube-client";
import { machineDeployments, machines, machineSets } from "../resources.ts";
import { createWorld, machineManifest, nodeManifest, type World, type WorldOptions } from "../testing/world.ts";

const { nodes } = coreResources;
const LABELS = { app: "a" };
const { spec: machineSpec } = machineManifest() as { spec: object };

export type Fleet = {
  readonly world: World;
  /** Machines of these kubelet versions get no Ready Node. */
  readonly broken: Set<string>;
  /** Finalizers that keep deleted Machines until `bury`. */
  holds: boolean;
  /** Creates the MachineDeployment `md`, or merges into its spec. */
  put(spec: object, metadata?: object): void;
  deployment(): MachineDeployment;
  condition(type: string): DeploymentCondition | undefined;
  sets(): MachineSet[];
  setOf(kubelet: string): MachineSet | undefined;
  /** Those that are not being deleted. */
  live(): Machine[];
  available(): Machine[];
  kubelets(): string[];
  /** Lets Machines that are being deleted go. */
  bury(): void;
  /** Lets time pass, a second at a time, with `check` after each. */
  until(isTrue: () => boolean, check?: () => void): Promise<void>;
  pass(ms: number, check?: () => void): Promise<void>;
};

export const template = (kubelet: string, more: object = {}): object => ({
  metadata: { labels: LABELS },
  spec: { ...machineSpec, versions: { kubelet }, ...more },
});

export async function createFleet(options: Omit<WorldOptions, "controllers"> = {}): Promise<Fleet> {
  const world = await createWorld({ ...options, controllers: ["machine-set", "machine-deployment"] });
  world.joins = false;
  const { cluster } = world;
  const isLeaving = ({ metadata }: Machine): boolean => metadata.deletionTimestamp !== undefined;
  const nodeOf = ({ metadata }: Machine): Node | undefined => cluster.get<Node>(nodes, metadata.name ?? "");

  /** What clouds and kubelets do. */
  function join(): void {
    const all = cluster.list(machines);
    for (const machine of all) {
      const { name = "", uid = "", finalizers } = machine.metadata;
      if (fleet.holds && !isLeaving(machine) && !finalizers?.length) {
        cluster.put(machines, { metadata: { name, finalizers: ["hold"] } });
      }
      if (isLeaving(machine) || nodeOf(machine) || fleet.broken.has(machine.spec.versions.kubelet)) continue;
      const manifest = nodeManifest(name, { machineUid: uid, address: "10.0.0.1" });
      const since = new Date(world.clock.now()).toISOString();
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: since }];
      cluster.put(nodes, {
        ...manifest,
        metadata: { name, labels: { [LABEL_NODE_OWNER]: uid } },
        status: { conditions },
      });
    }
    for (const { metadata } of cluster.list(nodes)) {
      const owner = metadata.labels?.[LABEL_NODE_OWNER];
      if (!all.some((machine) => machine.metadata.uid === owner)) cluster.remove(nodes, metadata.name ?? "");
    }
    // The garbage collector's part.
    for (const set of cluster.list(machineSets)) {
      const { name = "", uid, deletionTimestamp } = set.metadata;
      if (deletionTimestamp === undefined) continue;
      const owned = all.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
      for (const machine of owned) if (!isLeaving(machine)) cluster.remove(machines, machine.metadata.name ?? "");
      if (owned.length === 0) cluster.put(machineSets, { metadata: { name, finalizers: [] } });
    }
  }

  async function step(isTrue: () => boolean, check?: () => void, limitMs?: number): Promise<void> {
    await world.until(() => {
      join();
      check?.();
      return isTrue();
    }, limitMs);
  }

  const fleet: Fleet = {
    world,
    broken: new Set(),
    holds: false,
    put(spec, metadata = {}) {
      const exists = cluster.get(machineDeployments, "md") !== undefined;
      cluster.put(machineDeployments, {
        apiVersion: API_VERSION,
        kind: "MachineDeployment",
        metadata: { name: "md", ...metadata },
        spec: exists ? spec : { replicas: 3, selector: { matchLabels: LABELS }, template: template("1.36.1"), ...spec },
      });
    },
    deployment() {
      const found = cluster.get<MachineDeployment>(machineDeployments, "md");
      if (found === undefined) throw new Error("there is no MachineDeployment");
      return found;
    },
    condition: (type) => fleet.deployment().status?.conditions?.find((condition) => condition.type === type),
    sets: () => cluster.list(machineSets),
    setOf: (kubelet) => fleet.sets().find(({ spec }) => spec.template.spec.versions.kubelet === kubelet),
    live: () => cluster.list(machines).filter((machine) => !isLeaving(machine)),
    available: () => fleet.live().filter((machine) => nodeOf(machine) !== undefined),
    kubelets: () =>
      fleet
        .live()
        .map(({ spec }) => spec.versions.kubelet)
        .toSorted(),
    bury() {
      for (const machine of cluster.list(machines).filter(isLeaving)) {
        cluster.put(machines, { metadata: { name: machine.metadata.name, finalizers: [] } });
      }
    },
    until: (isTrue, check) => step(isTrue, check),
    async pass(ms, check) {
      const endMs = world.clock.now() + ms;
      await step(() => world.clock.now() >= endMs, check, ms + 1_000);
    },
  };
  return fleet;
}

export const isRolledOut =
  (fleet: Fleet, kubelet: string, replicas = 3) =>
  (): boolean =>
    fleet.live().length === replicas &&
    fleet.available().length === replicas &&
    fleet.kubelets().every((version) => version === kubelet) &&
    fleet.condition("Progressing")?.reason === "NewReplicaSetAvailable" &&
    fleet.deployment().status?.observedGeneration === fleet.deployment().metadata.generation;
