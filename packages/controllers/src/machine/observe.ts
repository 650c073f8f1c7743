/** Reads everything a decision rests on, from indexes only: no list is scanned, nothing is awaited. */
import { intentOf, type Machine, type MachineDeployment, type MachineSet, recordOf } from "@machine-controller/api";
import type { Node } from "@machine-controller/kube-client";
import {
  cloudProviderOf,
  isProviderError,
  type Provider,
  type ProviderError,
  TerminalError,
  unknownProvider,
} from "@machine-controller/provider";
import type { Informer } from "@machine-controller/kube-runtime";
import type { Fleets } from "./fleets.ts";
import { type Knowledge, sawNodeReady } from "./knowledge.ts";
import { isNodeReady, matchNode, nodesOwnedBy } from "./node-match.ts";
import type { Shelters } from "./shelters.ts";
import type { MachineOptions, Snapshot } from "./snapshot.ts";

export type MachineInformers = {
  machines: Informer<Machine>;
  machineSets: Informer<MachineSet>;
  machineDeployments: Informer<MachineDeployment>;
  nodes: Informer<Node>;
};

export type ObserveContext = {
  informers: MachineInformers;
  providers: ReadonlyMap<string, Provider>;
  fleets: Fleets;
  shelters: Shelters;
  options: MachineOptions;
  leadingSinceMs: number;
};

export function observe(machine: Machine, context: ObserveContext & { nowMs: number; knowledge: Knowledge }): Snapshot {
  const { informers, options, knowledge } = context;
  const { provider, intent, record } = identityOf(machine, context.providers);
  const instance = knowledge.present?.instance;
  const node = matchNode(
    informers.nodes.store,
    {
      machine,
      provider: provider.name,
      instanceProviderId: instance?.providerId,
      addresses: instance?.addresses ?? machine.status?.addresses ?? [],
    },
    (uid) => informers.machines.store.byUid(uid) !== undefined,
  );
  const lives = record !== undefined && machine.metadata.deletionTimestamp === undefined;
  const machineSet = ownerOf(machine, "MachineSet", informers.machineSets);
  return {
    nowMs: context.nowMs,
    leadingSinceMs: context.leadingSinceMs,
    machine,
    specKey: specKeyOf(machine),
    machineSet,
    machineDeployment: machineSet && ownerOf(machineSet, "MachineDeployment", informers.machineDeployments),
    provider,
    intent,
    record,
    knowledge: lives && node !== undefined && isNodeReady(node) ? sawNodeReady(knowledge) : knowledge,
    node,
    ownedNodes: nodesOwnedBy(informers.nodes.store, machine, provider.name),
    fleet: () => context.fleets.of(knowledge.account, (record ?? intent)?.account),
    canEvict: node !== undefined && context.shelters.existFor(node),
    options,
  };
}

/**
 * The provider and the records of a Machine. Where they cannot be read, a provider stands in whose every call throws the
 * reason: the Machine then shows it, nothing is created, and a Machine that needs no cloud to be deleted still is.
 */
function identityOf(
  machine: Machine,
  providers: ReadonlyMap<string, Provider>,
): Pick<Snapshot, "provider" | "intent" | "record"> {
  try {
    const name = cloudProviderOf(machine.spec);
    const provider = providers.get(name);
    if (provider === undefined) throw unknownProvider(name, [...providers.keys()]);
    return { provider, intent: intentOf(machine), record: recordOf(machine) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const error = isProviderError(cause) ? cause : new TerminalError("InvalidConfiguration", message, { cause });
    return { provider: unusableProvider(error), intent: undefined, record: undefined };
  }
}

function unusableProvider(error: ProviderError): Provider {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return {
    name: "",
    idempotency: { class: "tag-scan", settleMs: Infinity, consistencyMs: Infinity },
    operatingSystems: [],
    credentialKey: () => "",
    addDefaults: (spec) => spec,
    validate: fail,
    capacityOf: fail,
    account: fail,
    list: fail,
    get: fail,
    getCloudConfig: fail,
    create: fail,
    cleanup: fail,
    machineMetricsLabels: () => ({ size: "" }),
    migrateUID: fail,
    setMetricsForMachines: fail,
  };
}

/** Changes with everything that can make a failed step succeed, as far as the Machine itself says it. */
export const specKeyOf = ({ metadata, spec }: Machine): string =>
  JSON.stringify([
    spec.providerSpec,
    spec.versions,
    spec.metadata,
    metadata.deletionTimestamp !== undefined,
    metadata.annotations,
  ]);

function ownerOf<T extends MachineSet | MachineDeployment>(
  { metadata }: Machine | MachineSet,
  kind: T["kind"],
  informer: Informer<T>,
): T | undefined {
  const reference = metadata.ownerReferences?.find((owner) => owner.kind === kind);
  return reference && informer.store.byUid(reference.uid);
}
