/** A cloud in memory behind the `Provider` contract, with every fault a test wishes for, and a count of what must never be. */
import { instanceNameOf, type Machine, recordOf } from "@machine-controller/api";
import {
  type Idempotency,
  type Instance,
  InstanceNotFoundError,
  type Provider,
  ProviderError,
  TerminalError,
} from "@machine-controller/provider";
import type { Faults } from "./faults.ts";

export type Vm = {
  id: string;
  name: string;
  machineUid: string | undefined;
  clusterUid: string | undefined;
  token: string;
  account: string;
  address: string;
  createdAtMs: number;
  /** Set once its deletion was asked for: until then it still shows. */
  goneAtMs?: number;
};

/** What VMs of the providers' making are marked with. */
export const CLUSTER_UID = "cluster-uid";

export type FakeCloud = {
  /** Those that exist, in whatever state. */
  vms(): Vm[];
  /** Account of the credential in use. */
  account: string;
  /** How long a new VM is missing from reads by mark and from lists. */
  visibilityMs: number;
  deletionMs: number;
  /** While set, every call of that name (`*`: any) fails with it. */
  failures: Map<string, ProviderError>;
  /** While true, reads find nothing at all and say so with all confidence. */
  showsNothing: boolean;
  /** What must never have happened. */
  readonly violations: Set<string>;
  /** How many times each function was called. */
  readonly calls: Record<string, number>;
  add(vm: Partial<Vm>): Vm;
  /** The VM vanishes, as if someone had deleted it by hand. */
  lose(id: string): void;
  connect(process: { faults: Faults; alive: () => boolean }): Provider;
};

export function createFakeCloud(
  clock: { now(): number },
  idempotency: Idempotency = { class: "unique-name", settleMs: 10_000, consistencyMs: 3_000 },
): FakeCloud {
  const all: Vm[] = [];
  let count = 0;
  const exists = ({ goneAtMs }: Vm): boolean => goneAtMs === undefined || goneAtMs > clock.now();
  const inAccount = ({ account }: Vm): boolean => account === cloud.account;
  const shows = (vm: Vm): boolean =>
    exists(vm) && inAccount(vm) && !cloud.showsNothing && vm.createdAtMs + cloud.visibilityMs <= clock.now();

  const cloud: FakeCloud = {
    account: "project-a",
    visibilityMs: 0,
    deletionMs: 2_000,
    failures: new Map(),
    showsNothing: false,
    violations: new Set(),
    calls: {},
    vms: () => all.filter(exists),
    add(vm) {
      count += 1;
      const made = {
        id: String(count),
        name: `vm-${count}`,
        machineUid: undefined,
        clusterUid: undefined,
        token: "",
        account: cloud.account,
        address: `10.0.0.${count}`,
        createdAtMs: clock.now(),
        ...vm,
      };
      all.push(made);
      const twins = all.filter((other) => exists(other) && other.machineUid && other.machineUid === made.machineUid);
      if (twins.length > 1) cloud.violations.add(`${twins.length} VMs of Machine ${made.machineUid}`);
      return made;
    },
    lose(id) {
      for (const vm of all) if (vm.id === id) vm.goneAtMs = clock.now();
    },
    connect: ({ faults, alive }) => {
      const pass = <T>(name: string, effect: () => T): Promise<T> => {
        if (!alive()) return new Promise(() => {});
        cloud.calls[name] = (cloud.calls[name] ?? 0) + 1;
        const isChange = name === "create" || name === "cleanup";
        return faults.pass({
          name: `cloud ${name}`,
          effect() {
            const failure = cloud.failures.get(name) ?? cloud.failures.get("*");
            if (failure !== undefined) throw failure;
            return effect();
          },
          lost: () => new ProviderError(isChange ? "UnknownOutcome" : "Unavailable", `no answer to ${name}`),
        });
      };
      return createFakeProvider({ cloud, idempotency, pass, shows, find, now: () => clock.now() });
    },
  };
  /** By recorded ID at once, by mark once it is visible. */
  function find(machine: Machine): Vm | undefined {
    const id = recordOf(machine)?.id;
    if (cloud.showsNothing) return undefined;
    return id === undefined
      ? all.find((vm) => shows(vm) && vm.machineUid === machine.metadata.uid)
      : all.find((vm) => exists(vm) && inAccount(vm) && vm.id === id);
  }
  return cloud;
}

function createFakeProvider(context: {
  cloud: FakeCloud;
  idempotency: Idempotency;
  pass: <T>(name: string, effect: () => T) => Promise<T>;
  shows: (vm: Vm) => boolean;
  find: (machine: Machine) => Vm | undefined;
  now: () => number;
}): Provider {
  const { cloud, idempotency, pass, shows, find, now } = context;
  const toInstance = (vm: Vm): Instance => ({
    id: vm.id,
    name: vm.name,
    machineUid: vm.machineUid,
    clusterUid: vm.clusterUid,
    addresses: [{ type: "InternalIP", address: vm.address }],
    status: vm.goneAtMs === undefined ? "running" : "deleting",
  });
  return {
    name: "fake",
    idempotency,
    operatingSystems: ["ubuntu"],
    credentialKey: () => "",
    addDefaults: (spec) => spec,
    validate: () => pass("validate", () => undefined),
    capacityOf: (spec) =>
      pass("capacityOf", () => ({
        cpus: spec.providerSpec.value?.["cloudProviderSpec"]?.["size" as never] === "large" ? 8 : 4,
        memoryMiB: 8_192,
        diskMiB: 81_920,
        architecture: "arm64",
        gpus: { count: 1, resource: "nvidia.com/gpu" },
        labels: { "node.kubernetes.io/instance-type": "small" },
      })),
    account: () => pass("account", () => cloud.account),
    list: () => pass("list", () => cloud.vms().filter(shows).map(toInstance)),
    get: (machine) =>
      pass("get", () => {
        const vm = find(machine);
        if (vm === undefined) throw new InstanceNotFoundError(instanceNameOf(machine));
        return toInstance(vm);
      }),
    getCloudConfig: async () => ({ config: "", name: "" }),
    create: (machine, { token }) =>
      pass("create", () => {
        const { uid } = machine.metadata;
        const name = instanceNameOf(machine);
        const mine = cloud.vms().filter(({ account }) => account === cloud.account);
        const twin =
          idempotency.class === "tag-scan"
            ? undefined
            : mine.find((vm) => (idempotency.class === "token" ? vm.token === token : vm.name === name));
        if (twin?.machineUid === uid && twin !== undefined) return toInstance(twin);
        if (twin !== undefined) throw new TerminalError("InvalidConfiguration", `name ${name} belongs to someone else`);
        return toInstance(cloud.add({ name, machineUid: uid, clusterUid: CLUSTER_UID, token }));
      }),
    cleanup: (machine) =>
      pass("cleanup", () => {
        const isKubeVirt = machine.spec.providerSpec.value?.["cloudProvider"] === "kubevirt";
        if (machine.metadata.deletionTimestamp === undefined && !isKubeVirt)
          cloud.violations.add("clean-up of a living Machine");
        const vm = find(machine);
        if (vm === undefined) return true;
        vm.goneAtMs ??= now() + cloud.deletionMs;
        return false;
      }),
    machineMetricsLabels: () => ({ size: "small" }),
    migrateUID: async () => {},
    setMetricsForMachines: async () => {},
  };
}
