/** The Machines of a MachineSet, and how far each has come. MachineDeployments count by it too. */
import type { Machine, MachineSet } from "@machine-controller/api";
import { ANNOTATION_DELETE_MACHINE, LABEL_NODE_OWNER } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import type { Informer } from "@machine-controller/kube-runtime";
import { isNodeReady } from "../machine/node-match.ts";
import type { Pending } from "./pending.ts";

export type Member = {
  readonly machine: Machine;
  readonly node: Node | undefined;
  readonly isReady: boolean;
  /** When its Node has been Ready for minReadySeconds, in milliseconds on the clock; Infinity while it is not Ready. */
  readonly availableAtMs: number;
  /** Somebody marked it, or it failed: it goes before all others, so no rollout counts on it. */
  readonly isDoomed: boolean;
  /** Its deletion was asked for, and nobody knows what came of it. */
  readonly isAskedToGo: boolean;
};

export type Membership = {
  readonly members: readonly Member[];
  /** Machines that are being deleted. */
  readonly leaving: readonly Machine[];
  /** Machines created that no informer shows yet. */
  readonly unseen: number;
};

export type MemberInformers = { machines: Informer<Machine>; nodes: Informer<Node> };

/** Its Machines by controller reference, whatever their labels. */
export type MembershipOf = (machineSet: MachineSet, pending: Pending | undefined) => Membership;

export function createMemberships(informers: MemberInformers): MembershipOf {
  /** As each was when it was last looked at: a pass looks at all of a MachineSet, and few have changed since. */
  const latest = new WeakMap<Machine, { member: Member; waitMs: number }>();

  function latestOf(machine: Machine, waitMs: number): Member {
    const node = nodeOf(machine, informers);
    const known = latest.get(machine);
    if (known !== undefined && known.member.node === node && known.waitMs === waitMs) return known.member;
    const member = memberOf(machine, node, waitMs);
    latest.set(machine, { member, waitMs });
    return member;
  }

  return ({ metadata, spec }, pending) => {
    const owned = informers.machines.store.byIndex("controller", metadata.uid ?? "");
    const isLeaving = (machine: Machine): boolean =>
      machine.metadata.deletionTimestamp !== undefined || (pending?.isDeleted(machine.metadata.uid ?? "") ?? false);
    const waitMs = (spec.minReadySeconds ?? 0) * 1_000;
    const stay = owned.filter((machine) => !isLeaving(machine));
    return {
      members: stay.map((machine) => {
        const member = latestOf(machine, waitMs);
        return pending?.isDeleting(machine.metadata.uid ?? "") ? { ...member, isAskedToGo: true } : member;
      }),
      leaving: stay.length === owned.length ? [] : owned.filter(isLeaving),
      unseen: pending?.createdCount() ?? 0,
    };
  };
}

function memberOf(machine: Machine, node: Node | undefined, waitMs: number): Member {
  const isReady = node !== undefined && isNodeReady(node);
  const since = node?.status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "";
  const { errorReason, errorMessage } = machine.status ?? {};
  return {
    machine,
    node,
    isReady,
    // Without a time it has been Ready for ever.
    availableAtMs: isReady ? (Date.parse(since) || -Infinity) + waitMs : Infinity,
    isDoomed: Boolean(machine.metadata.annotations?.[ANNOTATION_DELETE_MACHINE] || errorReason || errorMessage),
    isAskedToGo: false,
  };
}

export const isAvailable = ({ availableAtMs }: Member, nowMs: number): boolean => availableAtMs <= nowMs;

/** When the next Ready Machine becomes available; undefined when none is on its way. */
export function nextAvailableAt(members: readonly Member[], nowMs: number): number | undefined {
  const next = members.reduce(
    (soonest, { availableAtMs }) => (availableAtMs > nowMs ? Math.min(soonest, availableAtMs) : soonest),
    Infinity,
  );
  return next === Infinity ? undefined : next;
}

function nodeOf({ metadata, status }: Machine, { nodes }: MemberInformers): Node | undefined {
  const [owned] = nodes.store.byIndex("owner", metadata.uid ?? "");
  return owned ?? (status?.nodeRef?.name ? nodes.store.get(undefined, status.nodeRef.name) : undefined);
}

/** The Machines that a Node counts for. */
export function machinesOf({ metadata }: Node, { machines }: MemberInformers): readonly Machine[] {
  const owner = metadata.labels?.[LABEL_NODE_OWNER];
  const owning = owner === undefined ? undefined : machines.store.byUid(owner);
  return owning === undefined ? machines.store.byIndex("nodeName", metadata.name ?? "") : [owning];
}
