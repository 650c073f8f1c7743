/**
 * Finds instances that this cluster's controller made and whose Machine no longer exists: a finalizer taken off by hand,
 * an abandoned Machine. First they are put in quarantine with the evidence; only after a grace, and after the cloud
 * and the API server have confirmed it again, are they deleted, and only where that was asked for.
 */
import type { Machine, MachineDeployment, MachineSet, MachineSpec } from "@machine-controller/api";
import { canonicalText } from "@machine-controller/api";
import { API_VERSION, ANNOTATION_INSTANCE } from "@machine-controller/api/well-known";
import type { KubeClient } from "@machine-controller/kube-client";
import {
  type Clock,
  type Controller,
  createController,
  type EventRecorder,
  type Informer,
} from "@machine-controller/kube-runtime";
import { cloudProviderOf, isProviderError, type Provider } from "@machine-controller/provider";
import type { Log } from "../log.ts";
import type { InstanceLists } from "../machine/instance-lists.ts";
import { machines } from "../resources.ts";
import { type AccountList, decideOrphans, ownInstances } from "./decide.ts";
import { type Orphan, QUARANTINE, readQuarantine, writeQuarantine } from "./quarantine.ts";

export type OrphanCollectorOptions = {
  client: KubeClient;
  clock: Clock;
  log: Log;
  events: EventRecorder;
  providers: ReadonlyMap<string, Provider>;
  lists: InstanceLists;
  informers: {
    machines: Informer<Machine>;
    machineSets: Informer<MachineSet>;
    machineDeployments: Informer<MachineDeployment>;
  };
  /** UID of the namespace `kube-system`, with which instances are marked. */
  clusterUid: string;
  /** `report`: quarantine only. */
  mode: "report" | "delete";
  /** How long an orphan is in quarantine before it is deleted. */
  graceMs: number;
  /** Time between passes. */
  intervalMs: number;
  /** Told after each pass of all that is in quarantine. */
  onPass?: (orphans: readonly Orphan[]) => void;
};

type Call = { readonly signal: AbortSignal };
/** A way to one account: any Machine with its credential. */
type Account = { readonly provider: Provider; readonly account: string; readonly donor: Machine };

const KEY = "orphans";

export function createOrphanCollector(options: OrphanCollectorOptions): Controller {
  const { client, clock, log, events, informers, clusterUid } = options;

  async function reconcile(_key: string, call: Call): Promise<{ requeueAfterMs: number }> {
    const accounts = await findAccounts(options, call);
    const lists = await readLists(accounts, call);
    const quarantine = await readQuarantine(client, call);
    // Mostly every instance has its Machine, which costs no request to see.
    const suspect = lists.some((list) =>
      ownInstances(list, options).some(
        ({ machineUid = "" }) => informers.machines.store.byUid(machineUid) === undefined,
      ),
    );
    const live = suspect ? (await client.listAll(machines, call)).items : informers.machines.store.list();
    const snapshot = { nowMs: clock.now(), clusterUid, graceMs: options.graceMs, lists, machines: live };
    const decision = decideOrphans({ ...snapshot, quarantined: quarantine.orphans });
    const stored = await writeQuarantine(client, quarantine, { orphans: decision.quarantine, ...call });
    options.onPass?.(decision.quarantine);
    const tell = (type: "Normal" | "Warning", reason: string, message: string): void => {
      log("warn", message);
      if (stored !== undefined) events.event(stored, { type, reason, message });
    };
    for (const orphan of decision.found) tell("Warning", "OrphanFound", `${describe(orphan)}; ${fate(options)}`);
    for (const brake of decision.brakes) tell("Warning", "OrphanBrake", `${brake}: nothing is deleted`);
    if (options.mode === "delete") {
      for (const orphan of decision.due) {
        const account = accounts.find(
          ({ provider, account }) => provider.name === orphan.provider && account === orphan.account,
        );
        if (account === undefined) continue;
        const outcome = await collect(orphan, { ...account, ...call }, options);
        if (outcome === "deleted") tell("Normal", "OrphanDeleted", `Deleted ${describe(orphan)}`);
      }
    }
    return { requeueAfterMs: options.intervalMs };
  }

  /** Complete lists only; an account that does not answer is left for the next pass. */
  async function readLists(accounts: readonly Account[], { signal }: Call): Promise<AccountList[]> {
    const lists = await Promise.all(
      accounts.map(async ({ provider, account, donor }) => {
        try {
          const request = { provider, machine: donor, startedAfterMs: clock.now() - 1, signal };
          const list = await options.lists.read(account, request);
          const { settleMs, consistencyMs } = provider.idempotency;
          const instances = [...list.byMachineUid.values()].flat();
          return [{ provider: provider.name, account, settledAfterMs: settleMs + consistencyMs, instances }];
        } catch (error) {
          if (!isProviderError(error)) throw error;
          log("warn", `no list of orphans: ${error.message}`, { provider: provider.name, code: error.code });
          return [];
        }
      }),
    );
    return lists.flat();
  }

  const controller = createController({
    name: "orphan-collector",
    concurrency: 1,
    clock,
    reconcile,
    onError: (_key, error, retryInMs) => log("warn", `orphan collector: ${String(error)}`, { retryInMs }),
  });
  // Not at once: a process that begins has better things to ask the cloud.
  controller.enqueueAfter(KEY, options.intervalMs);
  return controller;
}

/** One donor for each account that a Machine, or the template of one to come, has a credential of. */
async function findAccounts(options: OrphanCollectorOptions, call: Call): Promise<Account[]> {
  const { informers, providers, log } = options;
  const specs = new Map<string, MachineSpec>();
  const templates = [...informers.machineDeployments.store.list(), ...informers.machineSets.store.list()];
  for (const spec of [
    ...informers.machines.store.list().map(({ spec }) => spec),
    ...templates.map((owner) => owner.spec.template.spec),
  ]) {
    specs.set(canonicalText(spec.providerSpec), spec);
  }
  const accounts = new Map<string, Account>();
  for (const spec of specs.values()) {
    try {
      const provider = providers.get(cloudProviderOf(spec));
      if (provider === undefined) continue;
      const donor = syntheticMachine(spec, { name: "donor", uid: "donor" });
      const account = await provider.account(donor, call);
      accounts.set(`${provider.name} ${account}`, { provider, account, donor });
    } catch (error) {
      if (!isProviderError(error)) throw error;
      log("debug", `an account is left out of the search for orphans: ${error.message}`);
    }
  }
  return [...accounts.values()];
}

/** Looks once more, directly and under the same account; only an instance that is still the same orphan is deleted. */
async function collect(
  orphan: Orphan,
  { provider, account, donor, signal }: Account & Call,
  options: OrphanCollectorOptions,
): Promise<"deleted" | "spared"> {
  const machine = syntheticMachine(donor.spec, { name: orphan.name, uid: orphan.machineUid }, orphan);
  try {
    const instance = await provider.get(machine, { signal });
    const isSame =
      instance.id === orphan.id &&
      instance.machineUid === orphan.machineUid &&
      instance.clusterUid === options.clusterUid;
    if (!isSame || (await provider.account(machine, { signal })) !== account) return "spared";
    await provider.cleanup(machine, { signal });
    return "deleted";
  } catch (error) {
    if (!isProviderError(error)) throw error;
    options.log("warn", `an orphan is left for later: ${error.message}`, { provider: provider.name, code: error.code });
    return "spared";
  }
}

/** A Machine that stands in for the one that is gone: clean-up needs a name, a UID, the record and a credential. */
function syntheticMachine(spec: MachineSpec, { name, uid }: { name: string; uid: string }, orphan?: Orphan): Machine {
  const record = orphan && {
    id: orphan.id,
    provider: orphan.provider,
    account: orphan.account,
    attempt: 1,
    at: orphan.firstSeenAt,
  };
  return {
    apiVersion: API_VERSION,
    kind: "Machine",
    metadata: {
      name,
      namespace: QUARANTINE.namespace,
      uid,
      ...(record && { annotations: { [ANNOTATION_INSTANCE]: JSON.stringify(record) }, deletionTimestamp: record.at }),
    },
    spec: { ...spec, metadata: { ...spec.metadata, name } },
  };
}

const describe = ({ id, name, provider, account, machineUid }: Orphan): string =>
  `instance ${id} (${name}) of account ${account} of ${provider}, whose Machine ${machineUid} does not exist`;

const fate = ({ mode, graceMs }: OrphanCollectorOptions): string =>
  mode === "delete"
    ? `it is deleted in ${Math.round(graceMs / 60_000)} min unless its Machine comes back or its mark is removed`
    : "it is only reported; start with -orphan-collection=delete to have it deleted";
