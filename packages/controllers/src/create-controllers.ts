/** All controllers of the machine-controller on their shared informers, ready for a manager to run. */
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { BOOTSTRAP_NAMESPACE } from "@machine-controller/api/well-known";
import {
  type CertificateSigningRequest,
  coreResources,
  type KubeClient,
  type Node,
} from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createInformer,
  type EventRecorder,
  type Informer,
} from "@machine-controller/kube-runtime";
import type { ConfigVarResolver, Fetch, Provider } from "@machine-controller/provider";
import { createCapacityPublisher } from "./capacity-publisher/controller.ts";
import { createDataReaders } from "./data-reader.ts";
import { keptOfNode, withoutManagedFields } from "./kept-objects.ts";
import type { Log } from "./log.ts";
import { createAttachedVolumes } from "./machine/attached-volumes.ts";
import { createMachineController, MACHINE_INDEXES, type MachineControllerOptions } from "./machine/controller.ts";
import { createInstanceLists } from "./machine/instance-lists.ts";
import { NODE_INDEXES } from "./machine/node-match.ts";
import type { MachineInformers } from "./machine/observe.ts";
import { createReferences } from "./machine/references.ts";
import type { MachineOptions } from "./machine/snapshot.ts";
import { createUserDataSource, type UserDataOptions } from "./machine/user-data.ts";
import { createMachineDeploymentController } from "./machine-deployment/controller.ts";
import { createMachineSetController, type MachineSetOptions } from "./machine-set/controller.ts";
import { createPendingByUid } from "./machine-set/pending.ts";
import { CSR_FIELD_SELECTOR, CSR_INDEXES, createNodeCsrApprover } from "./node-csr-approver/controller.ts";
import { createOrphanCollector, type OrphanCollectorOptions } from "./orphan-collector/controller.ts";
import { byController } from "./ownership.ts";
import { createSubscriptions } from "./red-hat/subscriptions.ts";
import { machineDeployments, machines, machineSets } from "./resources.ts";

export type ControllersOptions = {
  client: KubeClient;
  clock: Clock;
  random: { bytes(length: number): Uint8Array };
  log: Log;
  events: EventRecorder;
  providers: ReadonlyMap<string, Provider>;
  /** `-name`: the shard of Machines to handle. */
  name: string;
  /** `-worker-count`: Machines reconciled at once. */
  workerCount: number;
  /** `-node-csr-approver`: approve the serving certificates of Machines' kubelets. */
  nodeCsrApprover: boolean;
  machine: MachineOptions;
  /** Absent: a changed template replaces Machines, whatever changed. */
  machineSet?: MachineSetOptions;
  userData: UserDataOptions;
  /** How Red Hat's services and Satellite servers are reached, and what their credentials may refer to. */
  redHat: { fetch: Fetch; resolver: ConfigVarResolver };
  /** Absent: orphans are not looked for. */
  orphans?: OrphanOptions;
  onDecision?: MachineControllerOptions["onDecision"];
  aroundEffect?: MachineControllerOptions["aroundEffect"];
  /** Ends shared cloud reads. */
  signal: AbortSignal;
};

export type OrphanOptions = Pick<OrphanCollectorOptions, "clusterUid" | "mode" | "graceMs" | "intervalMs" | "onPass">;

export type Controllers = {
  informers: readonly Pick<Informer, "name" | "synced" | "run" | "metrics" | "store">[];
  controllers: readonly Controller[];
  /** What the controllers see, for metrics. */
  caches: MachineInformers;
};

const SET_WORKERS = 4;

export function createControllers(options: ControllersOptions): Controllers {
  const { client, clock, log, random, signal } = options;
  const random01 = (): number => (random.bytes(1)[0] ?? 0) / 256;
  const shared = { client, clock, random: random01 };
  const told = (name: string) => (error: unknown) =>
    log("warn", `watching ${name}: ${error instanceof Error ? error.message : String(error)}`);

  const informers = {
    machines: createInformer<Machine>({
      ...shared,
      resource: machines,
      transform: withoutManagedFields,
      indexes: { ...MACHINE_INDEXES, controller: byController },
      onError: told("machines"),
    }),
    machineSets: createInformer<MachineSet>({
      ...shared,
      resource: machineSets,
      transform: withoutManagedFields,
      indexes: { controller: byController },
      onError: told("machinesets"),
    }),
    machineDeployments: createInformer<MachineDeployment>({
      ...shared,
      resource: machineDeployments,
      transform: withoutManagedFields,
      onError: told("machinedeployments"),
    }),
    nodes: createInformer<Node>({
      ...shared,
      resource: coreResources.nodes,
      indexes: NODE_INDEXES,
      transform: keptOfNode,
      onError: told("nodes"),
    }),
    bootstrapSecrets: createInformer({
      ...shared,
      resource: coreResources.secrets,
      namespace: BOOTSTRAP_NAMESPACE,
      onError: told("bootstrap secrets"),
    }),
  };
  const userData = createUserDataSource({
    client,
    clock,
    random,
    bootstrapSecrets: informers.bootstrapSecrets,
    options: options.userData,
  });
  const { events, providers } = options;
  const lists = createInstanceLists({ clock, signal });
  const sets = {
    client,
    clock,
    log,
    events,
    informers,
    pending: createPendingByUid(clock),
    options: options.machineSet ?? { updatesMetadataInPlace: false },
    concurrency: SET_WORKERS,
  };
  const controllers = [
    createMachineDeploymentController(sets),
    createMachineSetController(sets),
    createMachineController({
      client,
      clock,
      log,
      events,
      informers,
      userData,
      providers,
      lists,
      volumes: createAttachedVolumes({ client, clock }),
      references: createReferences(createDataReaders(client, clock)),
      subscriptions: createSubscriptions({ ...options.redHat, clock }),
      options: options.machine,
      name: options.name,
      concurrency: options.workerCount,
      ...(options.onDecision && { onDecision: options.onDecision }),
      ...(options.aroundEffect && { aroundEffect: options.aroundEffect }),
    }),
    createCapacityPublisher({
      client,
      clock,
      log,
      informers,
      providers,
      externalCloudProvider: options.machine.externalCloudProvider,
      concurrency: SET_WORKERS,
    }),
    ...(options.orphans
      ? [
          createOrphanCollector({
            client,
            clock,
            log,
            events,
            informers,
            providers,
            lists,
            drainTimeoutMs: options.machine.skipEvictionAfterMs,
            ...options.orphans,
          }),
        ]
      : []),
  ];
  if (!options.nodeCsrApprover) return { informers: Object.values(informers), controllers, caches: informers };
  const csrs = createInformer<CertificateSigningRequest>({
    ...shared,
    resource: coreResources.certificateSigningRequests,
    fieldSelector: CSR_FIELD_SELECTOR,
    indexes: CSR_INDEXES,
    onError: told("certificatesigningrequests"),
  });
  const { name } = options;
  const approver = createNodeCsrApprover({
    client,
    clock,
    log,
    name,
    concurrency: SET_WORKERS,
    informers: { ...informers, csrs },
  });
  return { informers: [...Object.values(informers), csrs], controllers: [...controllers, approver], caches: informers };
}
