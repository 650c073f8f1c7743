/** Small lives, each of one Machine or one pool, whose every message is tried with every fault. */
import { lives as livesOn } from "../clouds/cloud.ts";
import type { CloudName } from "../clouds/registry.ts";
import { MESSAGE_FAULTS } from "../faults/message-faults.ts";
import { NAMESPACE } from "../world/cluster.ts";
import type { Scenario } from "../world/scenario.ts";
import type { World } from "../world/world.ts";

export type Life = { readonly name: string; readonly scenario: Partial<Scenario>; script(world: World): void };

const PATH = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}`;
/** When a Machine that was made at the start is surely Ready. */
const READY_MS = 25_000;
const POOL = { name: "pool-a", replicas: 1, maxSurge: 1, maxUnavailable: 0 };

const later = (world: World, ms: number, effect: () => Promise<unknown>): void =>
  void world.scheduler.after(ms, () => void effect().catch(() => undefined));
const deleteLone = (world: World): Promise<unknown> => {
  for (const { metadata } of world.cluster.objects.machines.values())
    world.wishes.deletedMachines.add(metadata.uid ?? "");
  return world.cluster.request("DELETE", `${PATH}/machines/lone`);
};

export const LIVES: readonly Life[] = [
  { name: "create", scenario: { hasLoneMachine: true, busyMs: 25_000 }, script: () => {} },
  {
    name: "replace",
    scenario: { hasLoneMachine: true, busyMs: 150_000 },
    script: (world) =>
      later(world, READY_MS, async () => {
        const vm = world.cloud.vms.find((other) => livesOn(other, world.scheduler.now()));
        if (vm !== undefined) await world.cloud.lose(vm);
      }),
  },
  {
    name: "delete",
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script: (world) => later(world, READY_MS, () => deleteLone(world)),
  },
  {
    name: "delete while it is created",
    scenario: { hasLoneMachine: true, busyMs: 60_000 },
    script: (world) => later(world, 400, () => deleteLone(world)),
  },
  {
    name: "roll",
    scenario: { deployments: [POOL], busyMs: 70_000, serving: true },
    script: (world) =>
      later(world, READY_MS, () =>
        world.cluster.request("PATCH", `${PATH}/machinedeployments/${POOL.name}`, {
          spec: { template: { spec: { versions: { kubelet: "1.36.5" } } } },
        }),
      ),
  },
];

export const scenarioOf = ({ name, scenario }: Life, cloud: CloudName): Scenario => ({
  seed: `model ${name} ${cloud}`,
  cloud,
  replicas: 1,
  serving: false,
  joinClusterTimeoutMs: undefined,
  deployments: [],
  hasLoneMachine: false,
  // Each may strike; the plan says which one does, and where.
  rates: new Map(MESSAGE_FAULTS.map((fault) => [fault.name, 1])),
  happenings: 0,
  busyMs: 30_000,
  ...scenario,
});
