/** The next step of a MachineSet. Pure: the same snapshot gives the same decision. */
import { DELETE_POLICIES } from "@machine-controller/api";
import { FINALIZER_FOREGROUND } from "@machine-controller/api/well-known";
import { selectorProblem } from "../selector.ts";
import { statusDueAt } from "../status-pace.ts";
import type { Decision } from "./decision.ts";
import { deletionOrder } from "./delete-order.ts";
import { metadataPatches } from "./metadata-sync.ts";
import { nextAvailableAt } from "./members.ts";
import { MOST_AT_ONCE, OVERDUE_MS } from "./pending.ts";
import { replicasOf, type Snapshot } from "./snapshot.ts";
import { statusPatch } from "./status.ts";

export function decide(snapshot: Snapshot): Decision {
  const { machineSet } = snapshot;
  if (machineSet.metadata.deletionTimestamp !== undefined) {
    return { kind: "wait", why: "it is being deleted, and the garbage collector deletes its Machines" };
  }
  const problem = selectorProblem(machineSet.spec.selector, machineSet.spec.template.metadata?.labels);
  if (problem !== undefined) return decideStatus(snapshot, problem);
  return (
    decideForm(snapshot) ??
    decideClaims(snapshot) ??
    decideScale(snapshot) ??
    decideMetadata(snapshot) ??
    decideStatus(snapshot, policyProblem(snapshot))
  );
}

/** What every MachineSet carries: the finalizer that keeps it until its Machines are gone, and a number to scale. */
function decideForm({ machineSet: { metadata, spec } }: Snapshot): Decision | undefined {
  const { finalizers = [] } = metadata;
  const lacksFinalizer = !finalizers.includes(FINALIZER_FOREGROUND);
  if (!lacksFinalizer && spec.replicas != null) return undefined;
  const patch = {
    ...(lacksFinalizer && { metadata: { finalizers: [...finalizers, FINALIZER_FOREGROUND] } }),
    ...(spec.replicas == null && { spec: { replicas: 1 } }),
  };
  return { kind: "patch-set", why: "it lacks its finalizer or its default number of replicas", patch };
}

function decideClaims({ claims, passedOver }: Snapshot): Decision | undefined {
  const isOpen = ({ metadata }: { metadata: { uid?: string } }): boolean => !passedOver.has(metadata.uid ?? "");
  const stray = claims.strays.find(isOpen);
  if (stray) return { kind: "release", machine: stray, why: "the selector does not select it any more" };
  const orphan = claims.orphans.find(isOpen);
  return orphan && { kind: "adopt", machine: orphan, why: "the selector selects it and nobody controls it" };
}

function decideScale(snapshot: Snapshot): Decision | undefined {
  const { machineSet, members, overdue, batch, failure, unseen, replacesMissing, nowMs } = snapshot;
  if (failure !== undefined) return undefined;
  if (overdue.length > 0) {
    return { kind: "settle-creations", names: overdue, why: "no event has shown them for a while" };
  }
  const wanted = replicasOf(machineSet);
  const missing = wanted - members.length - unseen;
  if (missing > 0 && replacesMissing) {
    const why = `${members.length + unseen} Machines exist and ${wanted} are wanted`;
    return { kind: "create-machines", count: Math.min(missing, batch), why };
  }
  // What no event has shown yet may be what has to go first: none that serves goes for it.
  const surplus = members.length - wanted;
  if (surplus <= 0 || policyProblem(snapshot) !== undefined) return undefined;
  const ordered = deletionOrder(members, machineSet.spec.deletePolicy, nowMs);
  // Those asked for before may be on their way, however they rank by now.
  const doomed = [...ordered.filter(({ isAskedToGo }) => isAskedToGo), ...ordered.filter((m) => !m.isAskedToGo)]
    .slice(0, Math.min(surplus, MOST_AT_ONCE))
    .map(({ machine }) => machine);
  return {
    kind: "delete-machines",
    machines: doomed,
    why: `${members.length} Machines exist and ${wanted} are wanted`,
  };
}

function decideMetadata(snapshot: Snapshot): Decision | undefined {
  if (!snapshot.updatesMetadataInPlace) return undefined;
  const patches = metadataPatches(snapshot).slice(0, MOST_AT_ONCE);
  if (patches.length === 0) return undefined;
  return { kind: "patch-machines", patches, why: "labels, annotations or taints of the template have changed" };
}

function decideStatus(snapshot: Snapshot, problem: string | undefined): Decision {
  const { machineSet, members, unseen, nowMs, staleSinceMs } = snapshot;
  const patch = statusPatch(snapshot, problem);
  const dueAtMs = statusDueAt(staleSinceMs, nowMs);
  if (patch !== undefined && dueAtMs <= nowMs) {
    const isNews = problem !== undefined && problem !== machineSet.status?.errorMessage;
    return {
      kind: "patch-status",
      patch,
      why: "the status says otherwise",
      ...(isNews && { event: { type: "Warning", reason: "ReconcileError", message: problem } }),
    };
  }
  const untilMs = Math.min(
    patch === undefined ? Infinity : dueAtMs,
    nextAvailableAt(members, nowMs) ?? Infinity,
    // No event tells that a creation stays unseen.
    unseen > 0 ? nowMs + OVERDUE_MS : Infinity,
  );
  return {
    kind: "wait",
    why: problem ?? "it has what it wants",
    ...(untilMs !== Infinity && { untilMs }),
    ...(patch !== undefined && { owesStatus: true }),
  };
}

function policyProblem({ machineSet, members }: Snapshot): string | undefined {
  const { deletePolicy } = machineSet.spec;
  if (!deletePolicy || DELETE_POLICIES.includes(deletePolicy)) return undefined;
  const effect = members.length > replicasOf(machineSet) ? "; no Machine is deleted until then" : "";
  return `spec.deletePolicy: "${deletePolicy as string}" is not supported; use one of ${DELETE_POLICIES.join(", ")}${effect}`;
}
