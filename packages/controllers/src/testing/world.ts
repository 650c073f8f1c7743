/** One cluster, one cloud and one controller process on manual time: the process can crash, the rest lives on. */
import type { Machine } from "@machine-controller/api";
import { API_VERSION, providerIdOf } from "@machine-controller/api/well-known";
import { coreResources, type Node } from "@machine-controller/kube-client";
import {
  type Controller,
  createInformer,
  createManualClock,
  type EventInput,
  type ManualClock,
} from "@machine-controller/kube-runtime";
import type { Idempotency } from "@machine-controller/provider";
import { createCapacityPublisher } from "../capacity-publisher/controller.ts";
import { createDataReaders } from "../data-reader.ts";
import type { OrphanOptions } from "../create-controllers.ts";
import type { Log } from "../log.ts";
import { createAttachedVolumes } from "../machine/attached-volumes.ts";
import { createMachineController, MACHINE_INDEXES } from "../machine/controller.ts";
import type { Decision } from "../machine/decision.ts";
import { createInstanceLists } from "../machine/instance-lists.ts";
import { NODE_INDEXES } from "../machine/node-match.ts";
import { createReferences } from "../machine/references.ts";
import type { MachineOptions } from "../machine/snapshot.ts";
import { createMachineDeploymentController } from "../machine-deployment/controller.ts";
import { createMachineSetController } from "../machine-set/controller.ts";
import { createOrphanCollector } from "../orphan-collector/controller.ts";
import { createPendingByUid } from "../machine-set/pending.ts";
import { byController } from "../ownership.ts";
import { RegistrationError } from "../red-hat/exchange.ts";
import { machineDeployments, machines, machineSets } from "../resources.ts";
import { CLUSTER_UID, createFakeCloud, type FakeCloud } from "./fake-cloud.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { createFaults, type Faults } from "./faults.ts";

const { nodes } = coreResources;

export type World = {
  readonly clock: ManualClock;
  /** Sets the clock that everybody reads. */
  turnClock(byMs: number): void;
  readonly cluster: FakeCluster;
  readonly cloud: FakeCloud;
  readonly faults: Faults;
  /** Kinds of the decisions of all processes, waits left out, and the last wait's reason. */
  readonly decisions: Decision["kind"][];
  readonly events: EventInput[];
  /** Errors that a pass ended with. */
  readonly errors: string[];
  lastWait: string;
  /** What the user data source answers. */
  userData: { text: string } | { missing: string };
  /** Tells the process that `userData` may have changed. */
  userDataChanged: () => void;
  /** Why nothing can be taken out of a subscription; `""`: it can. */
  registrationProblem: string;
  /** Whether VMs boot and join as Nodes; on by default. */
  joins: boolean;
  machine(name?: string): Machine | undefined;
  node(name?: string): Node | undefined;
  addMachine(object?: object): Machine;
  /** Ends the process, if one runs, and starts the next. */
  restart(): Promise<void>;
  /** Lets time pass in steps short enough for what a cloud does meanwhile. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until it is true; throws after `limitMs`. */
  until(isTrue: () => boolean, limitMs?: number): Promise<void>;
  stop(): Promise<void>;
};

export type WorldOptions = {
  machine?: Partial<MachineOptions>;
  updatesMetadataInPlace?: boolean;
  idempotency?: Idempotency;
  /** Name of the cloud; default `fake`. */
  provider?: string;
  /** Default: the Machine controller alone. */
  controllers?: readonly (
    | "machine"
    | "machine-set"
    | "machine-deployment"
    | "orphan-collector"
    | "capacity-publisher"
  )[];
  orphans?: Partial<OrphanOptions>;
};

export const START = Date.UTC(2030, 0, 1);
const STEP_MS = 1_000;
const BOOT_MS = 1_000;
const LATE_MS = 5_000;
const DEFAULTS: MachineOptions = {
  externalCloudProvider: false,
  joinClusterTimeoutMs: undefined,
  skipEvictionAfterMs: 7_200_000,
};

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const steady = createManualClock(START);
  let skewMs = 0;
  const clock: ManualClock = { ...steady, now: () => steady.now() + skewMs };
  const cluster = createFakeCluster(clock);
  const cloud = createFakeCloud(clock, options.idempotency);
  const late: { dueMs: number; effect: () => void }[] = [];
  let process: Process | undefined;
  let crashed = false;
  const faults = createFaults({
    crash() {
      process?.kill();
      crashed = true;
    },
    later: (effect) => void late.push({ dueMs: clock.now() + LATE_MS, effect }),
  });

  const world: World = {
    clock,
    cluster,
    cloud,
    faults,
    decisions: [],
    events: [],
    errors: [],
    lastWait: "",
    userData: { text: "#cloud-config" },
    userDataChanged: () => {},
    registrationProblem: "",
    joins: true,
    machine: (name = "m") => cluster.get(machines, name),
    node: (name = "m") => cluster.get(nodes, name),
    addMachine: (object = {}) => cluster.put(machines, machineManifest(object)),
    turnClock: (byMs) => void (skewMs += byMs),
    async restart() {
      process?.kill();
      process = startProcess(world, options);
      await clock.advance(0);
    },
    async pass(ms) {
      const endMs = clock.now() + ms;
      do {
        await clock.advance(Math.min(STEP_MS, endMs - clock.now()));
        for (const { effect } of late.splice(0, late.findLastIndex(({ dueMs }) => dueMs <= clock.now()) + 1)) effect();
        if (world.joins) bootVms(world);
        if (crashed) {
          crashed = false;
          await world.restart();
        }
        await clock.advance(0);
        for (const leak of leaks(world)) world.cloud.violations.add(leak);
      } while (clock.now() < endMs);
    },
    async until(isTrue, limitMs = 300_000) {
      const endMs = clock.now() + limitMs;
      while (!isTrue()) {
        if (clock.now() >= endMs) {
          const tail = world.decisions.slice(-8).join(", ");
          throw new Error(`it did not come about; last decisions: ${tail}; last wait: ${world.lastWait}`);
        }
        await world.pass(STEP_MS);
      }
    },
    async stop() {
      process?.kill();
    },
  };
  await world.restart();
  return world;
}

type Process = { kill(): void };

function startProcess(world: World, options: WorldOptions): Process {
  const { clock, cluster, cloud, faults } = world;
  const { provider = "fake" } = options;
  const life = new AbortController();
  const { signal } = life;
  const alive = (): boolean => !signal.aborted;
  const client = cluster.connect({ faults, alive });
  const informers = {
    machines: createInformer({
      client,
      clock,
      resource: machines,
      indexes: { ...MACHINE_INDEXES, controller: byController },
    }),
    machineSets: createInformer({ client, clock, resource: machineSets, indexes: { controller: byController } }),
    machineDeployments: createInformer({ client, clock, resource: machineDeployments }),
    nodes: createInformer({ client, clock, resource: nodes, indexes: NODE_INDEXES }),
  };
  const log: Log = (level, message) => {
    if (level === "warn" || level === "error") world.errors.push(message);
  };
  const shared = {
    client,
    clock,
    informers,
    log,
    concurrency: 4,
    events: {
      event: (_object: object, event: EventInput) => void world.events.push(event),
      flush: async () => {},
      close: async () => {},
      lost: 0,
    },
  };
  const providers = new Map([[provider, { ...cloud.connect({ faults, alive }), name: provider }]]);
  const lists = createInstanceLists({ clock, signal });
  const sets = {
    pending: createPendingByUid(clock),
    options: { updatesMetadataInPlace: options.updatesMetadataInPlace ?? false },
  };
  const make = {
    machine: () =>
      createMachineController({
        ...shared,
        providers,
        lists,
        volumes: createAttachedVolumes({ client, clock }),
        references: createReferences(createDataReaders(client, clock)),
        subscriptions: {
          remove: () =>
            faults.pass({
              name: "unregister",
              effect() {
                if (world.registrationProblem) throw new RegistrationError(world.registrationProblem);
              },
              lost: () => new RegistrationError("no answer"),
            }),
        },
        userData: {
          prepare: async () => world.userData,
          onChange: (listener) => void (world.userDataChanged = listener),
        },
        options: { ...DEFAULTS, ...options.machine },
        name: "",
        onDecision(_machine, decision) {
          if (decision.kind === "wait") world.lastWait = decision.why;
          else world.decisions.push(decision.kind);
        },
      }),
    "machine-set": () => createMachineSetController({ ...shared, ...sets }),
    "machine-deployment": () => createMachineDeploymentController({ ...shared, ...sets }),
    "capacity-publisher": () =>
      createCapacityPublisher({
        ...shared,
        providers,
        externalCloudProvider: options.machine?.externalCloudProvider ?? false,
      }),
    "orphan-collector": () =>
      createOrphanCollector({
        ...shared,
        providers,
        lists,
        clusterUid: CLUSTER_UID,
        mode: "delete",
        graceMs: 3_600_000,
        drainTimeoutMs: DEFAULTS.skipEvictionAfterMs,
        intervalMs: 600_000,
        ...options.orphans,
      }),
  };
  const controllers: Controller[] = (options.controllers ?? ["machine"]).map((name) => make[name]());
  const synced = Object.values(informers).map(async (informer) => {
    informer.run(signal).catch(() => undefined);
    await informer.synced;
  });
  void Promise.all(synced)
    .then(() => Promise.all(controllers.map((controller) => controller.run(signal))))
    .catch(() => undefined);
  return { kill: () => life.abort(new Error("the process ended")) };
}

export function machineManifest(object: object = {}): object {
  const { metadata, ...rest } = object as { metadata?: object };
  return {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: { name: "m", namespace: "kube-system", ...metadata },
    spec: {
      providerSpec: { value: { cloudProvider: "fake", cloudProviderSpec: {}, operatingSystem: "ubuntu" } },
      versions: { kubelet: "1.36.2" },
    },
    ...rest,
  };
}

/** VMs that had time to boot join; Nodes whose VM is gone stop being Ready. */
function bootVms({ cluster, cloud, clock }: World): void {
  const live = cloud.vms().filter(({ machineUid, goneAtMs }) => machineUid !== undefined && goneAtMs === undefined);
  for (const vm of live) {
    if (clock.now() < vm.createdAtMs + BOOT_MS) continue;
    const node = cluster.get(nodes, vm.name);
    if (node !== undefined && isReady(node)) continue;
    cluster.put(nodes, nodeManifest(vm.name, { machineUid: vm.machineUid ?? "", address: vm.address }));
  }
  for (const node of cluster.list(nodes)) {
    const name = node.metadata.name ?? "";
    if (isReady(node) && node.spec?.providerID?.includes("fake") && !live.some((vm) => vm.name === name)) {
      cluster.put(nodes, { metadata: { name }, status: { conditions: [{ type: "Ready", status: "Unknown" }] } });
    }
  }
}

const isReady = (node: Node): boolean => node.status?.conditions?.[0]?.status === "True";

export const nodeManifest = (name: string, of: { machineUid: string; address: string; ready?: string }): object => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  spec: { providerID: providerIdOf("fake", of.machineUid) },
  status: {
    addresses: [{ type: "InternalIP", address: of.address }],
    conditions: [{ type: "Ready", status: of.ready ?? "True" }],
    nodeInfo: { kubeletVersion: "v1.36.2" },
  },
});

/** A VM whose Machine is gone belongs to nobody. */
const leaks = ({ cluster, cloud }: World): string[] =>
  cloud
    .vms()
    .filter(({ machineUid }) => machineUid !== undefined)
    .filter(({ machineUid }) => !cluster.list(machines).some(({ metadata }) => metadata.uid === machineUid))
    .map(({ id, machineUid }) => `VM ${id} outlived Machine ${machineUid}`);
