/** Which instances are orphans, which of them have been so for long enough, and when so many are that none is believed. */
import type { Machine } from "@machine-controller/api";
import type { Instance } from "@machine-controller/provider";
import { readableRecordOf } from "../machine/fleets.ts";
import type { Orphan } from "./quarantine.ts";

/** One account's complete list of instances that bear a mark of ours. */
export type AccountList = {
  readonly provider: string;
  readonly account: string;
  /** The shortest grace that makes sense there: requests have settled and reads agree. */
  readonly settledAfterMs: number;
  readonly instances: readonly Instance[];
};

export type OrphanSnapshot = {
  readonly nowMs: number;
  /** Only what this cluster's controller made is its to judge. */
  readonly clusterUid: string;
  readonly graceMs: number;
  readonly lists: readonly AccountList[];
  /** Every Machine of the cluster, read after the lists: a Machine is there before its instance and outlives it. */
  readonly machines: readonly Machine[];
  readonly quarantined: readonly Orphan[];
  /** Whether a Node that is to go with its instance bears the label of the Machine. */
  readonly hasNode: (machineUid: string) => boolean;
};

export type OrphanDecision = {
  /** Orphans there are; the quarantine is to hold them and the vanished from now on. */
  readonly quarantine: readonly Orphan[];
  /** Those of it that were not in it before. */
  readonly found: readonly Orphan[];
  /** Those whose grace is over. */
  readonly due: readonly Orphan[];
  /** Those that their account does not show any more, while their Node is still there. */
  readonly vanished: readonly Orphan[];
  /** Accounts of which nothing is due, as too much of them is orphaned at once. */
  readonly brakes: readonly string[];
};

/** More than one orphan and more than this share of our instances: rather the cluster has lost its Machines. */
const BRAKE_SHARE = 0.3;

export function decideOrphans(snapshot: OrphanSnapshot): OrphanDecision {
  const { lists, machines, nowMs, quarantined } = snapshot;
  const uids = new Set(machines.map(({ metadata }) => metadata.uid));
  const recorded = new Set(machines.flatMap(recordedId));
  const isOrphan = ({ provider }: AccountList, { machineUid, id }: Instance): boolean =>
    !uids.has(machineUid) && !recorded.has(`${provider} ${id}`);

  const known = new Map(quarantined.map((orphan) => [keyOf(orphan), orphan]));
  const read = new Set(lists.map(keyOfAccount));
  // Of an account that could not be read nothing is learnt, nor forgotten.
  const quarantine = quarantined.filter((orphan) => !read.has(keyOfAccount(orphan)));
  const found: Orphan[] = [];
  const due: Orphan[] = [];
  const brakes: string[] = [];
  for (const list of lists) {
    const ours = ownInstances(list, snapshot);
    const orphans = ours.filter((instance) => isOrphan(list, instance));
    const isBraked = orphans.length > 1 && orphans.length > ours.length * BRAKE_SHARE;
    if (isBraked) {
      brakes.push(
        `${orphans.length} of ${ours.length} instances of account ${list.account} of ${list.provider} belong to no Machine`,
      );
    }
    for (const instance of orphans) {
      const entry = toOrphan(list, instance, nowMs);
      const before = known.get(keyOf(entry));
      const sinceMs = before === undefined ? Infinity : Date.parse(before.firstSeenAt);
      if (before === undefined) found.push(entry);
      // A time to come was written by a clock that has been set back since.
      quarantine.push(before !== undefined && sinceMs <= nowMs ? before : entry);
      const isOver = nowMs - sinceMs >= Math.max(snapshot.graceMs, list.settledAfterMs);
      if (before !== undefined && isOver && !isBraked && instance.status !== "deleting") due.push(before);
    }
  }
  const shown = new Set(quarantine.map(keyOf));
  const vanished = quarantined.filter(
    (orphan) => !shown.has(keyOf(orphan)) && !uids.has(orphan.machineUid) && snapshot.hasNode(orphan.machineUid),
  );
  return { quarantine, found, due, vanished, brakes };
}

/** Instances of the account that this cluster's controller made. */
export const ownInstances = (
  { instances }: AccountList,
  { clusterUid }: Pick<OrphanSnapshot, "clusterUid">,
): Instance[] => instances.filter((instance) => instance.clusterUid === clusterUid && Boolean(instance.machineUid));

const toOrphan = (
  { provider, account }: AccountList,
  { id, name, machineUid = "" }: Instance,
  nowMs: number,
): Orphan => ({
  provider,
  account,
  id,
  name,
  machineUid,
  firstSeenAt: new Date(nowMs).toISOString(),
});

const keyOfAccount = ({ provider, account }: Pick<Orphan, "provider" | "account">): string => `${provider} ${account}`;
const keyOf = (orphan: Orphan): string => `${keyOfAccount(orphan)} ${orphan.id} ${orphan.machineUid}`;

/** A damaged record names nothing; its Machine still counts by its UID. */
function recordedId(machine: Machine): string[] {
  const record = readableRecordOf(machine);
  return record === undefined ? [] : [`${record.provider} ${record.id}`];
}
