import type { CreateIntent, InstanceRecord, Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { FINALIZER_INSTANCE, FINALIZER_NODE, FINALIZER_RED_HAT } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import type { Provider } from "@machine-controller/provider";
import { isRegistered } from "../red-hat/subscriptions.ts";
import type { Failure, Knowledge } from "./knowledge.ts";

export type MachineOptions = {
  /** `-node-external-cloud-provider`: a cloud-controller-manager sets provider IDs and removes dead Nodes. */
  externalCloudProvider: boolean;
  /** `-join-cluster-timeout`; undefined: never. */
  joinClusterTimeoutMs: number | undefined;
  /** `-skip-eviction-after`. */
  skipEvictionAfterMs: number;
};

/** Everything a decision may rest on, read at one moment. */
export type Snapshot = {
  readonly nowMs: number;
  /** When this process began to lead: requests of a predecessor may have been under way until then. */
  readonly leadingSinceMs: number;
  readonly machine: Machine;
  /** Changes whenever something changes that a failure may have been caused by. */
  readonly specKey: string;
  readonly machineSet: MachineSet | undefined;
  readonly machineDeployment: MachineDeployment | undefined;
  readonly provider: Provider;
  readonly intent: CreateIntent | undefined;
  readonly record: InstanceRecord | undefined;
  readonly knowledge: Knowledge;
  /** The Node that belongs to the Machine; undefined when none does. */
  readonly node: Node | undefined;
  /** Nodes that go when the Machine goes. */
  readonly ownedNodes: readonly Node[];
  /** Counts what the newest list shows of the account, for judging whether absence can be believed. Not cheap. */
  readonly fleet: () => Fleet;
  /** Somewhere for the Node's pods to go. */
  readonly canEvict: boolean;
  readonly options: MachineOptions;
};

export type Fleet = {
  /** When the newest list with the credential in use began; undefined when there has been none. */
  readonly listedAtMs: number | undefined;
  /**
   * Recorded instances of the account that no list has shown since they were recorded, and all recorded ones. Those of
   * Machines being deleted are missing only where nothing is shown, and their Nodes have not left as well.
   */
  readonly missing: number;
  readonly recorded: number;
  /** The credential in use shows an instance that another Machine recorded under this Machine's recorded account. */
  readonly showsSibling: boolean;
};

/** Clouds whose cloud-controller-manager has always set provider IDs, from inside the Kubernetes tree. */
const IN_TREE_CLOUDS: ReadonlySet<string> = new Set(["azure", "vsphere", "gce"]);

/** True where this controller gives Nodes their provider ID. */
export const setsProviderId = ({ provider, options }: Pick<Snapshot, "provider" | "options">): boolean =>
  !options.externalCloudProvider && !IN_TREE_CLOUDS.has(provider.name);

/** False where spec or records cannot be read: then `provider` is a stand-in whose every call throws the reason. */
export const isReadable = ({ provider }: Snapshot): boolean => provider.name !== "";

/** What keeps the cloud from being asked now; undefined once it is time to try again, or the Machine was changed. */
export function pendingFailure({ knowledge: { failure }, specKey, nowMs }: Snapshot): Failure | undefined {
  return failure?.specKey === specKey && failure.retryAtMs > nowMs ? failure : undefined;
}

/** From when on no create request that was sent for the Machine, nor a copy of one, can still take effect. */
export function requestsSettledAt(snapshot: Snapshot): number {
  const { intent, record, knowledge, provider, leadingSinceMs, nowMs } = snapshot;
  const { intentIsFresh, createAskedAt = -Infinity } = knowledge;
  const intendedAt = intent === undefined ? -Infinity : Date.parse(intent.at);
  const notedAt = record === undefined ? Math.max(intendedAt, leadingSinceMs) : Date.parse(record.at);
  // A time to come was noted by a clock that was wrong, or has been set back since.
  const othersAt = notedAt > nowMs ? leadingSinceMs : notedAt;
  return Math.max(createAskedAt, intentIsFresh ? -Infinity : othersAt) + provider.idempotency.settleMs;
}

const hasFinalizer = (machine: Machine, finalizer: string): boolean =>
  machine.metadata.finalizers?.includes(finalizer) ?? false;

export const holdsInstance = (machine: Machine): boolean => hasFinalizer(machine, FINALIZER_INSTANCE);

/** Our finalizers added, in the order the Go implementation stores them. */
export const withFinalizers = (machine: Machine): string[] =>
  [
    ...new Set([
      ...(machine.metadata.finalizers ?? []),
      FINALIZER_INSTANCE,
      FINALIZER_NODE,
      ...(isRegistered(machine) ? [FINALIZER_RED_HAT] : []),
    ]),
  ].sort();
