/** A small life: a world in which only what its script says happens, for every message and crash point to be tried in it. */
import { lives as livesOn, type Vm } from "../../clouds/cloud.ts";
import { CLOUD_NAMES, type CloudName } from "../../clouds/registry.ts";
import { MESSAGE_FAULTS } from "../../faults/message-faults.ts";
import { NAMESPACE } from "../../world/cluster.ts";
import { machineSpec, type MachineSpecChanges } from "../../world/people.ts";
import type { Scenario } from "../../world/scenario.ts";
import type { World } from "../../world/world.ts";

export type Life = {
  readonly name: string;
  /** Where it can be led; default: everywhere. */
  readonly clouds?: readonly CloudName[];
  readonly scenario: Partial<Scenario>;
  /** Message ID → fault, where the life is one of a fault. */
  readonly faults?: ReadonlyMap<string, string>;
  script(world: World): void;
};

export const cloudsOf = ({ clouds = CLOUD_NAMES }: Life): readonly CloudName[] => clouds;

export const scenarioOf = ({ name, scenario }: Life, cloud: CloudName): Scenario => ({
  seed: `model ${name} ${cloud}`,
  cloud,
  replicas: 1,
  serving: false,
  joinClusterTimeoutMs: undefined,
  updatesMetadataInPlace: false,
  keptRevisions: 400,
  deletionMs: undefined,
  deployments: [],
  hasLoneMachine: false,
  // Each may strike; the plan says which one does, and where.
  rates: new Map(MESSAGE_FAULTS.map((fault) => [fault.name, 1])),
  happenings: 0,
  busyMs: 30_000,
  ...scenario,
});

/** When Machines that were made at the start are surely Ready. */
export const READY_MS = 25_000;
export const POOL = { name: "pool-a", replicas: 1, maxSurge: 1, maxUnavailable: 0, strategy: "RollingUpdate" } as const;

const V1ALPHA1 = `/apis/cluster.k8s.io/v1alpha1/namespaces/${NAMESPACE}`;
export const pathOf = (plural: "machines" | "machinesets" | "machinedeployments", name: string): string =>
  `${V1ALPHA1}/${plural}/${name}`;

/** What a script does, which a life that a crash has made longer may have made impossible. */
export const at = (world: World, ms: number, effect: () => Promise<unknown>): void =>
  void world.scheduler.after(ms, () => void effect().catch(() => undefined));

export const patch = (world: World, path: string, body: object): Promise<unknown> =>
  world.cluster.request("PATCH", path, body);

export function deleteMachine(world: World, name: string): Promise<unknown> {
  for (const { metadata } of world.cluster.objects.machines.values())
    if (metadata.name === name) world.wishes.deletedMachines.add(metadata.uid ?? "");
  return world.cluster.request("DELETE", pathOf("machines", name));
}

export function createMachine(
  world: World,
  { metadata, spec }: { metadata?: object; spec?: MachineSpecChanges } = {},
): Promise<unknown> {
  return world.cluster.request("POST", `${V1ALPHA1}/machines`, {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name: "lone", namespace: NAMESPACE, ...metadata },
    spec: machineSpec(world, spec),
  });
}

export const livingVms = ({ cloud, scheduler }: World): Vm[] => cloud.vms.filter((vm) => livesOn(vm, scheduler.now()));
