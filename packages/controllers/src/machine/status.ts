/** `Machine.status` as it should be, and the patch that makes it so: undefined where nothing worth a write differs. */
import type { Condition, Machine, MachineStatus, NodeAddress } from "@machine-controller/api";
import { ANNOTATION_ABANDON } from "@machine-controller/api/well-known";
import type { ProviderError } from "@machine-controller/provider";
import type { MergePatch } from "./decision.ts";
import { isNodeReady } from "./node-match.ts";
import type { Snapshot } from "./snapshot.ts";

type Wanted = Pick<Condition, "type" | "status"> & { reason: string; message: string };

/** The status of a Machine with an instance. */
export function liveStatus(snapshot: Snapshot): MergePatch | undefined {
  const { node, knowledge, machine } = snapshot;
  const instance = knowledge.present?.instance;
  const ready = node !== undefined && isNodeReady(node);
  // With a Ready Node nobody asks the cloud, and so nothing would end a failure.
  const error = ready ? undefined : knowledge.failure?.error;
  const running = node !== undefined || instance?.status === "running";
  const kubelet = node?.status?.nodeInfo?.kubeletVersion;
  const conditions: Wanted[] = [
    // While absence is in question, that is what the condition tells.
    ...(error
      ? [unknownInstance(error.code, error.message)]
      : knowledge.absent
        ? []
        : running
          ? [INSTANCE_RUNNING]
          : instance
            ? [INSTANCE_CREATING]
            : []),
    ...(conditionOf(machine, "BootstrapReady") ? [BOOTSTRAP_READY] : []),
    node === undefined
      ? { type: "NodeReady", status: "False", reason: "NodeNotJoined", message: "No Node has joined for this Machine." }
      : nodeReadyCondition(snapshot),
    ready
      ? { type: "Ready", status: "True", reason: "NodeReady", message: "" }
      : { type: "Ready", status: "False", reason: node ? "NodeNotReady" : "NodeNotJoined", message: "" },
  ];
  const addresses = instance && sortedAddresses(instance.addresses);
  return statusPatch(snapshot, conditions, {
    phase: ready ? "Running" : error?.reason ? "Failed" : node ? "Provisioned" : "Provisioning",
    ...(addresses && addresses.length > 0 && !sameAddresses(machine.status?.addresses, addresses) && { addresses }),
    ...(node && {
      nodeRef: { apiVersion: "v1", kind: "Node", name: node.metadata.name ?? "", uid: node.metadata.uid ?? "" },
      ...(kubelet && { versions: { kubelet } }),
    }),
    // The Node that it refers to is gone, and only the API server can say that.
    ...(!node && machine.status?.nodeRef && { nodeRef: null }),
    errorReason: error?.reason ?? null,
    errorMessage: error?.reason === undefined ? null : error.message,
  });
}

const INSTANCE_RUNNING: Wanted = { type: "InstanceReady", status: "True", reason: "InstanceRunning", message: "" };
const BOOTSTRAP_READY: Wanted = { type: "BootstrapReady", status: "True", reason: "UserDataGiven", message: "" };
const unknownInstance = (reason: string, message: string): Wanted => ({
  type: "InstanceReady",
  status: "Unknown",
  reason,
  message,
});
const INSTANCE_CREATING: Wanted = {
  type: "InstanceReady",
  status: "False",
  reason: "InstanceCreating",
  message: "The instance is starting.",
};

/** The status of a Machine that is created or deleted, and cannot be just now. */
export function failureStatus(snapshot: Snapshot, error: ProviderError): MergePatch | undefined {
  const deleting = snapshot.machine.metadata.deletionTimestamp !== undefined;
  const wayOut = `; if it cannot be mended, set the annotation ${ANNOTATION_ABANDON}=true and remove the instance by hand`;
  const message = deleting && error.reason !== undefined ? error.message + wayOut : error.message;
  const type = deleting ? "InstanceDeleted" : "InstanceReady";
  return statusPatch(
    snapshot,
    [{ type, status: "False", reason: error.code, message }],
    error.reason === undefined
      ? { phase: deleting ? "Deleting" : currentPhase(snapshot) }
      : { phase: deleting ? "Deleting" : "Failed", errorReason: error.reason, errorMessage: message },
  );
}

export const bootstrapMissingStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  statusPatch(snapshot, [{ type: "BootstrapReady", status: "False", reason: "UserDataMissing", message }], {
    phase: "Pending",
  });

export const doubtStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  statusPatch(snapshot, [unknownInstance("InstanceMissing", message)], {});

export const deletingStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  statusPatch(snapshot, [{ type: "InstanceDeleted", status: "False", reason: "Deleting", message }], {
    phase: "Deleting",
  });

function currentPhase({ machine, intent }: Snapshot): string {
  return machine.status?.phase ?? (intent ? "Provisioning" : "Pending");
}

function nodeReadyCondition({ node, machine }: Snapshot): Wanted {
  const condition = node?.status?.conditions?.find(({ type }) => type === "Ready");
  const status = condition?.status ?? "Unknown";
  const reason = condition?.reason ?? "NodeStatusUnknown";
  const current = conditionOf(machine, "NodeReady");
  // Kubelets count the seconds in their messages: the first one has to do.
  const same = current?.status === status && current.reason === reason;
  const message = same ? current.message : status === "True" ? "" : condition?.message;
  return { type: "NodeReady", status, reason, message: message ?? "" };
}

/**
 * The patch for the wanted conditions (others stay) and fields (`null` removes one). A condition that differs in nothing
 * but `InstanceReady` turning True before the Node joins is not worth a write: the write that records the Node says it.
 */
function statusPatch(
  { machine, nowMs, node }: Snapshot,
  wanted: readonly Wanted[],
  fields: Readonly<Record<string, unknown>>,
): MergePatch | undefined {
  const now = new Date(nowMs).toISOString();
  const status: MachineStatus = machine.status ?? {};
  const changes = Object.entries(fields).filter(
    ([key, value]) => !sameField(status[key as keyof MachineStatus], value),
  );
  const stale = wanted.filter((condition) => !sameCondition(condition, conditionOf(machine, condition.type)));
  const onlyRunning = stale.every(
    ({ type, status }) =>
      type === "InstanceReady" &&
      status === "True" &&
      node === undefined &&
      conditionOf(machine, type)?.status !== "Unknown",
  );
  if (changes.length === 0 && onlyRunning) return undefined;

  const replaced = wanted.map((condition): Condition => {
    const current = conditionOf(machine, condition.type);
    const lastTransitionTime = current?.status === condition.status ? current.lastTransitionTime : now;
    return { ...condition, ...(lastTransitionTime && { lastTransitionTime }) };
  });
  const kept = (status.conditions ?? []).filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return { status: { ...Object.fromEntries(changes), conditions: [...kept, ...replaced], lastUpdated: now } };
}

export const conditionOf = (machine: Machine, type: string): Condition | undefined =>
  machine.status?.conditions?.find((condition) => condition.type === type);

const sameCondition = (wanted: Wanted, current: Condition | undefined): boolean =>
  current !== undefined &&
  current.status === wanted.status &&
  (current.reason ?? "") === wanted.reason &&
  (current.message ?? "") === wanted.message;

/** Equal, or `wanted` (an object) is contained in `current`; `null` is equal to absent. */
function sameField(current: unknown, wanted: unknown): boolean {
  if (wanted === null) return current === undefined || current === null;
  if (typeof wanted !== "object" || typeof current !== "object" || current === null) return current === wanted;
  return Object.entries(wanted).every(([key, value]) => sameField((current as Record<string, unknown>)[key], value));
}

const sortedAddresses = (addresses: readonly NodeAddress[]): NodeAddress[] =>
  addresses.toSorted((a, b) => (`${a.type} ${a.address}` < `${b.type} ${b.address}` ? -1 : 1));

const sameAddresses = (current: readonly NodeAddress[] = [], wanted: readonly NodeAddress[]): boolean =>
  current.length === wanted.length &&
  wanted.every(({ type, address }, index) => current[index]?.type === type && current[index].address === address);
