/** One world: a cluster, a cloud, controllers, kubelets and people, all made from one seed, on one scheduler. */
import type { Machine } from "@machine-controller/api";
import type { Decision } from "@machine-controller/controllers";
import { exists, type SimulatedCloud } from "../clouds/cloud.ts";
import { createCloud } from "../clouds/registry.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { runController } from "./controller.ts";
import { createCredentials, type Credentials } from "./credentials.ts";
import { createFates, type Fates } from "./fates.ts";
import { createKubelets, type Kubelets } from "./kubelets.ts";
import { createNetwork, type Message, type Network } from "./network.ts";
import type { Process } from "./process.ts";
import { createRandom } from "./random.ts";
import { createRedHat } from "./red-hat.ts";
import { createReplicas, type Replicas } from "./replicas.ts";
import type { Scenario } from "./scenario.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createTimeline, type Moment, type Timeline } from "./timeline.ts";

/** What people and accidents did, so that nobody else is blamed for it. */
export type Wishes = {
  readonly deletedMachines: Set<string>;
  readonly deletedNodes: Set<string>;
  readonly hungVms: Set<string>;
  /** Machines that a user took out of their MachineSet. */
  readonly released: Set<string>;
  /** Machines whose finalizers a user took off: only the orphan collector knows of their VMs. */
  readonly freed: Set<string>;
  /** Only a person can help the Machine. */
  waitsForPerson(machine: Machine): boolean;
};

type DecisionListener = (machine: Machine, decision: Decision, process: Process) => void;

export type Effect = { readonly message: Message; readonly status: number; readonly text: string };

export type World = {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly fates: Fates;
  readonly timeline: Timeline;
  readonly cluster: Cluster;
  readonly cloud: SimulatedCloud;
  readonly kubelets: Kubelets;
  readonly controllers: Replicas;
  readonly credentials: Credentials;
  readonly wishes: Wishes;
  /** Since when nothing happens any more. */
  readonly rest: { sinceMs: number | undefined };
  /** Whatever the controllers wrote into their logs. */
  onLog(listener: (level: string, text: string) => void): void;
  onDecision(listener: DecisionListener): void;
  /** For a while every message that is like this suffers a fault. */
  spell: Network["spell"];
  /** Every request that had its effect. */
  onEffect(listener: (effect: Effect) => void): void;
  /** Lets VMs run that were made since the last request; also those made past the network. */
  powerOn(): void;
  /** Nothing is cut off, refused or wrong any more, and nothing strikes again. */
  heal(): Promise<void>;
  close(): void;
};

export type WorldOptions = {
  only?: ReadonlySet<string> | undefined;
  plan?: ReadonlyMap<string, string> | undefined;
  onMoment?: ((moment: Moment) => void) | undefined;
  onMessage?: ((id: string, faults: readonly string[]) => void) | undefined;
  /** Told whenever a controller dies, before it does. */
  onDeath?: ((process: Process) => void) | undefined;
};

export async function createWorld(scenario: Scenario, options: WorldOptions = {}): Promise<World> {
  const { seed } = scenario;
  const random = createRandom(`${seed}/world`);
  const scheduler = createScheduler(seed);
  const fates = createFates({ seed, only: options.only, plan: options.plan });
  const timeline = createTimeline(scheduler, options.onMoment);
  const cluster = await createCluster({
    scheduler,
    random: random.fork("cluster"),
    keptRevisions: scenario.keptRevisions,
  });
  const cloud = createCloud(scenario.cloud, {
    scheduler,
    random: random.fork("cloud"),
    deletionMs: scenario.deletionMs,
  });
  const redHat = createRedHat(cloud);
  const credentials = createCredentials(cluster, cloud);
  await credentials.create();
  const listeners = {
    log: [] as ((level: string, text: string) => void)[],
    decision: [] as DecisionListener[],
    effect: [] as ((effect: Effect) => void)[],
  };
  let powered = 0;

  function powerOn(): void {
    for (const vm of cloud.vms.slice(powered)) {
      powered += 1;
      timeline.add("cloud", `makes VM ${vm.id} ${vm.name} for Machine ${vm.machineUid}`, "event");
      scheduler.after(vm.runsAtMs - scheduler.now(), () => {
        if (exists(vm, scheduler.now())) kubelets.start(vm);
      });
    }
  }

  const network = createNetwork({
    scheduler,
    fates,
    timeline,
    rates: scenario.rates,
    onEffect(message, { status, text }) {
      powerOn();
      for (const listener of listeners.effect) listener({ message, status, text });
    },
    onMessage: options.onMessage,
    onCrash: (message, fault) => controllers.kill(message.from, `${fault.name} ${message.id}`),
  });
  const kubelets = createKubelets({
    scheduler,
    seed,
    adminToken: cluster.adminToken,
    serving: scenario.serving,
    connect: (process) => network.connect(process, cluster.endpoint, { isController: false }),
  });
  const controllers = createReplicas({
    seed,
    scheduler,
    fates,
    timeline,
    network,
    cloudName: cloud.endpoint.name,
    onDeath: options.onDeath,
    run: (process) =>
      runController(process, {
        kube: network.connect(process, cluster.endpoint, { isController: true }),
        cloud: network.connect(process, cloud.endpoint, { isController: true }),
        redHat: network.connect(process, redHat, { isController: true }),
        adminToken: cluster.adminToken,
        clusterUid: cluster.uid,
        definition: cloud.definition,
        electsLeader: scenario.replicas > 1,
        joinClusterTimeoutMs: scenario.joinClusterTimeoutMs,
        updatesMetadataInPlace: scenario.updatesMetadataInPlace,
        log(level, text) {
          if (level !== "debug") timeline.add(process.name, text);
          for (const listener of listeners.log) listener(level, text);
        },
        onDecision(machine, decision) {
          for (const listener of listeners.decision) listener(machine, decision, process);
        },
      }),
  });
  const wishes: Wishes = {
    deletedMachines: new Set(),
    deletedNodes: new Set(),
    hungVms: new Set(),
    released: new Set(),
    freed: new Set(),
    waitsForPerson: ({ metadata }) =>
      cloud.vms.some(({ id, machineUid }) => machineUid === metadata.uid && wishes.hungVms.has(id)),
  };

  return {
    scenario,
    scheduler,
    fates,
    timeline,
    cluster,
    cloud,
    kubelets,
    controllers,
    credentials,
    wishes,
    rest: { sinceMs: undefined },
    onLog: (listener) => void listeners.log.push(listener),
    onDecision: (listener) => void listeners.decision.push(listener),
    onEffect: (listener) => void listeners.effect.push(listener),
    powerOn,
    spell: (spell, ms) => network.spell(spell, ms),
    async heal() {
      fates.rest();
      network.heal();
      cloud.refuseCreation(undefined);
      cloud.showNothing(0);
      await credentials.restore();
    },
    close() {
      controllers.stop();
      cluster.close();
      cloud.close();
    },
  };
}
