/** What users do, and what befalls the world beside its messages: data, each with a weight and an effect. */
import type { Machine, MachineDeployment } from "@machine-controller/api";
import { lives, type Vm } from "../clouds/cloud.ts";
import { NAMESPACE } from "../world/cluster.ts";
import type { Spell } from "../world/network.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

export type Happening = {
  readonly name: string;
  readonly weight: number;
  /** Says in a few words what it did; undefined where there was nothing to do it to. */
  readonly run: (world: World, random: Random) => Promise<string | undefined>;
};

const V1ALPHA1 = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}`;

export const HAPPENINGS: readonly Happening[] = [
  {
    name: "user scales",
    weight: 5,
    async run(world, random) {
      const replicas = random.int(5);
      return onDeployment(world, random, { say: `replicas ${replicas}`, patch: { spec: { replicas } } });
    },
  },
  {
    // Before the first Machines have an intent, and so a finalizer.
    name: "user scales up and back at once",
    weight: 2,
    async run(world, random) {
      const deployment = anyOf(random, deploymentsOf(world));
      if (deployment === undefined) return undefined;
      const path = `${V1ALPHA1}/machinedeployments/${deployment.metadata.name}`;
      const { replicas = 1 } = deployment.spec;
      await world.cluster.request("PATCH", path, { spec: { replicas: replicas + 2 } });
      world.scheduler.after(20 + random.int(400), () => {
        void world.cluster.request("PATCH", path, { spec: { replicas } }).catch(() => undefined);
      });
      return `${deployment.metadata.name}: ${replicas + 2}, then ${replicas}`;
    },
  },
  {
    name: "user rolls",
    weight: 4,
    async run(world, random) {
      const kubelet = `1.36.${random.int(9)}`;
      return onDeployment(world, random, {
        say: `kubelet ${kubelet}`,
        patch: { spec: { template: { spec: { versions: { kubelet } } } } },
      });
    },
  },
  {
    name: "user edits",
    weight: 2,
    async run(world, random) {
      const maxSurge = random.int(3);
      const rollingUpdate = { maxSurge, maxUnavailable: maxSurge === 0 ? 1 : random.int(2) };
      return onDeployment(world, random, {
        say: JSON.stringify(rollingUpdate),
        patch: { spec: { strategy: { rollingUpdate } } },
      });
    },
  },
  {
    name: "user pauses",
    weight: 1,
    run: (world, random) => onDeployment(world, random, { say: "paused", patch: { spec: { paused: true } } }),
  },
  {
    name: "user resumes",
    weight: 1,
    run: (world, random) => onDeployment(world, random, { say: "resumed", patch: { spec: { paused: null } } }),
  },
  {
    name: "user deletes a Machine",
    weight: 4,
    async run(world, random) {
      const machine = anyOf(random, machinesOf(world));
      if (machine === undefined) return undefined;
      world.wishes.deletedMachines.add(machine.metadata.uid ?? "");
      await world.cluster.request("DELETE", `${V1ALPHA1}/machines/${machine.metadata.name}`);
      return machine.metadata.name;
    },
  },
  {
    name: "user deletes a MachineDeployment",
    weight: 1,
    async run(world, random) {
      const deployment = anyOf(random, deploymentsOf(world));
      if (deployment === undefined) return undefined;
      await world.cluster.request("DELETE", `${V1ALPHA1}/machinedeployments/${deployment.metadata.name}`);
      return deployment.metadata.name;
    },
  },
  {
    name: "user relabels a Machine",
    weight: 1,
    async run(world, random) {
      const machine = anyOf(random, machinesOf(world));
      if (machine === undefined) return undefined;
      world.wishes.released.add(machine.metadata.uid ?? "");
      const patch = { metadata: { labels: { pool: "released" } } };
      await world.cluster.request("PATCH", `${V1ALPHA1}/machines/${machine.metadata.name}`, patch);
      return machine.metadata.name;
    },
  },
  {
    // Once: of several at a time the collector would rather believe that the cluster has lost its Machines.
    name: "user takes a Machine's finalizers off",
    weight: 1,
    async run(world, random) {
      const machine = anyOf(random, machinesOf(world));
      if (machine === undefined || world.wishes.freed.size > 0) return undefined;
      const path = `${V1ALPHA1}/machines/${machine.metadata.name}`;
      world.wishes.deletedMachines.add(machine.metadata.uid ?? "");
      world.wishes.freed.add(machine.metadata.uid ?? "");
      await world.cluster.request("DELETE", path);
      await world.cluster.request("PATCH", path, { metadata: { finalizers: null } });
      return machine.metadata.name;
    },
  },
  {
    name: "user deletes a Node",
    weight: 1,
    async run(world, random) {
      const node = anyOf(random, [...world.cluster.objects.nodes.values()]);
      if (node === undefined) return undefined;
      world.wishes.deletedNodes.add(node.metadata.uid ?? "");
      await world.cluster.request("DELETE", `/api/v1/nodes/${node.metadata.name}`);
      return node.metadata.name;
    },
  },
  {
    name: "VM vanishes",
    weight: 3,
    async run(world, random) {
      const vm = anyOf(random, livingVms(world));
      if (vm === undefined) return undefined;
      await world.cloud.lose(vm);
      return vm.name;
    },
  },
  {
    name: "VM hangs",
    weight: 1,
    async run(world, random) {
      const vm = anyOf(random, livingVms(world));
      if (vm === undefined) return undefined;
      world.wishes.hungVms.add(vm.id);
      world.kubelets.hang(vm);
      return vm.name;
    },
  },
  {
    name: "cloud misses a VM briefly",
    weight: 2,
    async run(world, random) {
      const vm = anyOf(random, livingVms(world));
      if (vm === undefined || world.cloud.missBriefly === undefined) return undefined;
      world.cloud.missBriefly(vm);
      return vm.name;
    },
  },
  { name: "deletion fails late", weight: 1, run: async (world) => (world.cloud.failNextDeletion?.(), "the next one") },
  { name: "creation fails late", weight: 2, run: async (world) => (world.cloud.failNextCreation(), "the next one") },
  { name: "quota is used up", weight: 1, run: async (world) => (world.cloud.refuseCreation("quota"), "") },
  { name: "capacity is sold out", weight: 1, run: async (world) => (world.cloud.refuseCreation("sold out"), "") },
  { name: "creation is possible", weight: 1, run: async (world) => (world.cloud.refuseCreation(undefined), "") },
  { name: "credential is rotated", weight: 1, run: (world) => world.credentials.rotate() },
  { name: "credential is revoked", weight: 1, run: (world) => world.credentials.revoke() },
  { name: "credential of another account", weight: 1, run: (world) => world.credentials.mistake() },
  { name: "credential is restored", weight: 2, run: (world) => world.credentials.restore() },
  { name: "controller dies", weight: 3, run: async (world, random) => world.controllers.crash(random) },
  {
    name: "controller freezes",
    weight: 2,
    run: async (world, random) => world.controllers.freeze(random, 5_000 + random.int(40_000)),
  },
  {
    name: "controller's clock jumps",
    weight: 1,
    run: async (world, random) =>
      world.controllers.turnClock(random, (random.chance(0.5) ? 1 : -1) * random.int(600_000)),
  },
  {
    name: "API server cannot be reached",
    weight: 1,
    run: async (world, random) =>
      world.controllers.partition(random, { from: "kube", ms: 10_000 + random.int(50_000) }),
  },
  {
    name: "a spell of trouble",
    weight: 3,
    async run(world, random) {
      const spell = random.pick(SPELLS);
      const ms = 10_000 + random.int(50_000);
      world.spell(spell, ms);
      return `of controller-* → ${spell.to}: ${spell.fault} for ${ms} ms`;
    },
  },
  {
    name: "cloud cannot be reached",
    weight: 1,
    run: async (world, random) =>
      world.controllers.partition(random, { from: "cloud", ms: 10_000 + random.int(90_000) }),
  },
];

/** What a service that is ill does to every message for a while. */
const SPELLS: readonly Spell[] = [
  { to: "cloud", fault: "cloud 503", method: "GET", about: /instances|servers/ },
  { to: "cloud", fault: "cloud 503" },
  { to: "cloud", fault: "cloud 504 after the effect" },
  { to: "cloud", fault: "reply lost" },
  { to: "cloud", fault: "cloud 429" },
  { to: "cloud", fault: "reply trickles" },
  { to: "kube", fault: "API server 500 after the effect" },
  { to: "kube", fault: "API server 409", about: /machines\// },
  { to: "kube", fault: "API server 429" },
  { to: "kube", fault: "watch lags" },
];

const anyOf = <T>(random: Random, items: readonly T[]): T | undefined =>
  items.length === 0 ? undefined : random.pick(items);

const isLive = ({ metadata }: { metadata: { deletionTimestamp?: string } }): boolean =>
  metadata.deletionTimestamp === undefined;
const machinesOf = ({ cluster }: World): Machine[] => [...cluster.objects.machines.values()].filter(isLive);
const deploymentsOf = ({ cluster }: World): MachineDeployment[] =>
  [...cluster.objects.machineDeployments.values()].filter(isLive);
const livingVms = ({ cloud, scheduler }: World): Vm[] => cloud.vms.filter((vm) => lives(vm, scheduler.now()));

async function onDeployment(
  world: World,
  random: Random,
  { say, patch }: { say: string; patch: object },
): Promise<string | undefined> {
  const deployment = anyOf(random, deploymentsOf(world));
  if (deployment === undefined) return undefined;
  await world.cluster.request("PATCH", `${V1ALPHA1}/machinedeployments/${deployment.metadata.name}`, patch);
  return `${deployment.metadata.name}: ${say}`;
}
