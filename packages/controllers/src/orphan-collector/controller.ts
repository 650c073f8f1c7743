/**
 * Finds instances that this cluster's controller made and whose Machine no longer exists: a finalizer taken off by hand,
 * an abandoned Machine. First they are put in quarantine with the evidence; only after a grace, and after the cloud
 * and the API server have confirmed it again, are they deleted with their Node, and only where that was asked for.
 */
import type { Machine, MachineDeployment, MachineSet, MachineSpec } from "@machine-controller/api";
import { canonicalText } from "@machine-controller/api";
import { API_VERSION, ANNOTATION_INSTANCE } from "@machine-controller/api/well-known";
import type { KubeClient, Node } from "@machine-controller/kube-client";
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
import { deleteNodesOf, drainNodeOf, hasNode } from "./node.ts";
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
    nodes: Informer<Node>;
  };
  /** UID of the namespace `kube-system`, with which instances are marked. */
  clusterUid: string;
  /** `report`: quarantine only. */
  mode: "report" | "delete";
  /** How long an orphan is in quarantine before it is deleted. */
  graceMs: number;
  /** How long after that its pods may take to move. */
  drainTimeoutMs: number;
  /** Time between passes. */
  intervalMs: number;
  /** Told after each pass of all that is in quarantine. */
  onPass?: (orphans: readonly Orphan[]) => void;
};

type Call = { readonly signal: AbortSignal };
/** A way to one account: any Machine with its credential. */
type Account = { readonly provider: Provider; readonly account: string; readonly donor: Machine };

const KEY = "orphans";
const MOST_PODS_NAMED = 5;

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
    const isDeleting = options.mode === "delete";
    const ofNodes = { client, nodes: informers.nodes, ...call };
    const decision = decideOrphans({
      nowMs: clock.now(),
      clusterUid,
      graceMs: options.graceMs,
      lists,
      machines: live,
      quarantined: quarantine.orphans,
      hasNode: (machineUid) => isDeleting && hasNode(machineUid, ofNodes),
    });
    const accountOf = (orphan: Orphan): Account | undefined =>
      accounts.find(({ provider, account }) => provider.name === orphan.provider && account === orphan.account);
    const vanished = new Map<Orphan, "there" | "gone" | undefined>();
    for (const orphan of decision.vanished) {
      const account = accountOf(orphan);
      const found = account && (await heard(() => look(orphan, { ...account, ...call }, options)));
      if (found !== "another") vanished.set(orphan, found);
    }
    const orphans = [...decision.quarantine, ...vanished.keys()];
    const stored = await writeQuarantine(client, quarantine, { orphans, ...call });
    options.onPass?.(decision.quarantine);
    const tell = (type: "Normal" | "Warning", reason: string, message: string): void => {
      log("warn", message);
      if (stored !== undefined) events.event(stored, { type, reason, message });
    };
    for (const orphan of decision.found) tell("Warning", "OrphanFound", `${describe(orphan)}; ${fate(options)}`);
    for (const brake of decision.brakes) tell("Warning", "OrphanBrake", `${brake}: nothing is deleted`);
    for (const orphan of isDeleting ? decision.due : []) {
      const account = accountOf(orphan);
      if (account === undefined) continue;
      const left = await drainNodeOf(orphan.machineUid, ofNodes);
      const deadlineMs = Date.parse(orphan.firstSeenAt) + options.graceMs + options.drainTimeoutMs;
      if (left.length > 0 && clock.now() < deadlineMs) {
        const pods = left.slice(0, MOST_PODS_NAMED).map(({ pod, why }) => `${pod} (${why})`);
        const until = `it goes without them at ${new Date(deadlineMs).toISOString()}`;
        tell("Normal", "OrphanDraining", `${describe(orphan)}: waits for ${pods.join(", ")}; ${until}`);
      } else if (await heard(() => collect(orphan, { ...account, ...call }, options))) {
        tell("Normal", "OrphanDeleted", `Deleted ${describe(orphan)}`);
      }
    }
    for (const [orphan, found] of vanished) {
      if (found !== "gone") continue;
      for (const name of await deleteNodesOf(orphan.machineUid, ofNodes)) {
        tell("Normal", "OrphanNodeDeleted", `Deleted Node ${name} of ${describe(orphan)}: the instance is gone`);
      }
    }
    return { requeueAfterMs: options.intervalMs };
  }

  /** undefined: the cloud did not say, and the orphan is left for later. */
  async function heard<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isProviderError(error)) throw error;
      log("warn", `an orphan is left for later: ${error.message}`, { code: error.code });
      return undefined;
    }
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

type Judged = Account & Call;

/** Directly and under the same account: whether it is still the same orphan, or certainly no instance any more. */
async function look(
  orphan: Orphan,
  { provider, account, donor, signal }: Judged,
  { clusterUid }: OrphanCollectorOptions,
): Promise<"there" | "gone" | "another"> {
  const machine = standIn(orphan, donor);
  const found = await provider.get(machine, { signal }).catch((error: unknown) => {
    if (!isProviderError(error, "InstanceNotFound")) throw error;
    return undefined;
  });
  if ((await provider.account(machine, { signal })) !== account) return "another";
  if (found === undefined) return "gone";
  const isSame = found.id === orphan.id && found.machineUid === orphan.machineUid && found.clusterUid === clusterUid;
  return isSame ? "there" : "another";
}

/** Looks once more; only an instance that is still the same orphan is deleted. @returns whether it was. */
async function collect(orphan: Orphan, judged: Judged, options: OrphanCollectorOptions): Promise<boolean> {
  if ((await look(orphan, judged, options)) !== "there") return false;
  await judged.provider.cleanup(standIn(orphan, judged.donor), { signal: judged.signal });
  return true;
}

const standIn = (orphan: Orphan, donor: Machine): Machine =>
  syntheticMachine(donor.spec, { name: orphan.name, uid: orphan.machineUid }, orphan);

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
