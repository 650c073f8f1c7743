/** `Machine.status` as it should be, and the patch that makes it so: undefined where nothing worth a write differs. */
import type { NodeAddress } from "@machine-controller/api";
import { ANNOTATION_ABANDON } from "@machine-controller/api/well-known";
import type { ProviderError } from "@machine-controller/provider";
import type { MergePatch } from "./decision.ts";
import { isNodeReady } from "./node-match.ts";
import { saySame } from "./message.ts";
import { pendingRefusal } from "./node-refusal.ts";
import type { Snapshot } from "./snapshot.ts";
import { conditionOf, NODE_LOST, statusPatch, type Wanted } from "./status-patch.ts";

/** The status of a Machine with an instance. `overdue`: what is said of a Node that has not joined in time. */
export function liveStatus(snapshot: Snapshot, overdue?: string): MergePatch | undefined {
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
      ? [unknownInstance(error.code, steadyMessage(snapshot, "InstanceReady", error.message))]
      : knowledge.absent
        ? []
        : running
          ? [INSTANCE_RUNNING]
          : instance
            ? [INSTANCE_CREATING]
            : []),
    ...(conditionOf(machine, "BootstrapReady") ? [BOOTSTRAP_READY] : []),
    node === undefined ? noNodeCondition(snapshot) : nodeReadyCondition(snapshot),
    ready
      ? { type: "Ready", status: "True", reason: "NodeReady", message: "" }
      : {
          type: "Ready",
          status: "False",
          reason: overdue ? JOIN_TIMEOUT : node ? "NodeNotReady" : "NodeNotJoined",
          message: overdue ?? "",
        },
    ...syncedConditions(snapshot),
  ];
  const addresses = instance && sortedAddresses(instance.addresses);
  const reason = overdue === undefined ? error?.reason : JOIN_TIMEOUT;
  return statusPatch(snapshot, conditions, {
    phase: ready ? "Running" : reason ? "Failed" : node ? "Provisioned" : "Provisioning",
    ...(addresses && addresses.length > 0 && !sameAddresses(machine.status?.addresses, addresses) && { addresses }),
    ...(node && {
      nodeRef: { apiVersion: "v1", kind: "Node", name: node.metadata.name ?? "", uid: node.metadata.uid ?? "" },
      ...(kubelet && { versions: { kubelet } }),
    }),
    // The Node that it refers to is gone, and only the API server can say that.
    ...(!node && machine.status?.nodeRef && { nodeRef: null }),
    errorReason: reason ?? null,
    errorMessage:
      reason === undefined ? null : (overdue ?? steadyMessage(snapshot, "errorMessage", error?.message ?? "")),
  });
}

/** The status of a Machine whose instance is about to be asked for. */
export function creatingStatus(snapshot: Snapshot): MergePatch | undefined {
  return statusPatch(
    snapshot,
    [
      INSTANCE_CREATING,
      ...(snapshot.knowledge.userData ? [BOOTSTRAP_READY] : []),
      { type: "NodeReady", status: "False", reason: "NodeNotJoined", message: NOT_JOINED },
      { type: "Ready", status: "False", reason: "InstanceCreating", message: "" },
    ],
    { phase: "Provisioning", nodeRef: null, addresses: null, versions: null, errorReason: null, errorMessage: null },
  );
}

export const JOIN_TIMEOUT = "JoinClusterTimeoutError";
const NOT_JOINED = "No Node has joined for this Machine.";
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

/** A kubelet version tells that a Node had joined, also where the Go implementation wrote it. */
function noNodeCondition({ machine: { status } }: Snapshot): Wanted {
  const had = status?.nodeRef?.name ?? status?.versions?.kubelet;
  const [reason, message] = had ? [NODE_LOST, "Its Node is gone."] : ["NodeNotJoined", NOT_JOINED];
  return { type: "NodeReady", status: "False", reason, message };
}

/** What is said already, where a cloud only puts another request ID into it. */
function steadyMessage({ machine }: Snapshot, where: string, message: string): string {
  const said = where === "errorMessage" ? machine.status?.errorMessage : conditionOf(machine, where)?.message;
  return said !== undefined && saySame(said, message) ? said : message;
}

/** The status of a Machine that is created or deleted, and cannot be just now. */
export function failureStatus(snapshot: Snapshot, error: ProviderError): MergePatch | undefined {
  const deleting = snapshot.machine.metadata.deletionTimestamp !== undefined;
  const wayOut = `; if it cannot be mended, set the annotation ${ANNOTATION_ABANDON}=true and remove the instance by hand`;
  const type = deleting ? "InstanceDeleted" : "InstanceReady";
  const said = deleting && error.reason !== undefined ? error.message + wayOut : error.message;
  const message = steadyMessage(snapshot, type, said);
  return statusPatch(
    snapshot,
    [{ type, status: "False", reason: error.code, message }, ...(deleting ? [GOING] : [])],
    error.reason === undefined
      ? { phase: deleting ? "Deleting" : currentPhase(snapshot) }
      : { phase: deleting ? "Deleting" : "Failed", errorReason: error.reason, errorMessage: message },
  );
}

export const bootstrapMissingStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  statusPatch(
    snapshot,
    [
      { type: "BootstrapReady", status: "False", reason: "UserDataMissing", message },
      { type: "InstanceReady", status: "False", reason: "BootstrapNotReady", message: "" },
    ],
    { phase: "Pending", errorReason: null, errorMessage: null },
  );

export const doubtStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  statusPatch(snapshot, [unknownInstance("InstanceMissing", message)], {});

export const deletingStatus = (snapshot: Snapshot, message: string): MergePatch | undefined =>
  progressStatus(snapshot, "InstanceDeleted", { status: "False", reason: "Deleting", message });

type Progress = { status: "True" | "False"; reason: string; message: string };

/** How a step of the deletion goes, as a condition of its own. */
export const progressStatus = (snapshot: Snapshot, type: string, progress: Progress): MergePatch | undefined =>
  statusPatch(snapshot, [{ type, ...progress }, GOING], { phase: "Deleting" });

/** Nobody is to count on a Machine that goes, whatever its Node says. */
const GOING: Wanted = { type: "Ready", status: "False", reason: "Deleting", message: "" };

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

/** Only a Machine that something was refused to speaks of it. */
function syncedConditions(snapshot: Snapshot): Wanted[] {
  const refusal = pendingRefusal(snapshot);
  if (refusal) return [{ type: "NodeSynced", status: "False", reason: "Refused", message: refusal.message }];
  return conditionOf(snapshot.machine, "NodeSynced")
    ? [{ type: "NodeSynced", status: "True", reason: "Synced", message: "" }]
    : [];
}

const sortedAddresses = (addresses: readonly NodeAddress[]): NodeAddress[] =>
  addresses.toSorted((a, b) => (`${a.type} ${a.address}` < `${b.type} ${b.address}` ? -1 : 1));

const sameAddresses = (current: readonly NodeAddress[] = [], wanted: readonly NodeAddress[]): boolean =>
  current.length === wanted.length &&
  wanted.every(({ type, address }, index) => current[index]?.type === type && current[index].address === address);
