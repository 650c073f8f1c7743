/** What the newest list of an account shows of the instances that are recorded there: whether absence can be believed. */
import { type InstanceRecord, type Machine, recordOf } from "@machine-controller/api";
import type { Node } from "@machine-controller/kube-client";
import type { Informer, Store } from "@machine-controller/kube-runtime";
import type { InstanceList, InstanceLists } from "./instance-lists.ts";
import type { Fleet } from "./snapshot.ts";

export type Fleets = {
  /** @param account of the credential in use; `recordedAccount`: of those that count. */
  of(account: string | undefined, recordedAccount: string | undefined): Fleet;
};

/** A whole fleet asks at once. */
const COUNT_FRESH_MS = 250;

/** The informer of Machines must have the index `account`, that of Nodes `owner`. */
export function createFleets(options: {
  informers: { machines: Informer<Machine>; nodes: Informer<Node> };
  lists: InstanceLists;
  clock: { now(): number };
}): Fleets {
  const { informers, lists, clock } = options;
  const counted = new WeakMap<InstanceList, { recordedAccount: string; atMs: number; fleet: Fleet }>();

  function count(list: InstanceList, recordedAccount: string): Fleet {
    let shown = 0;
    const missing = { stay: 0, go: 0 };
    for (const machine of informers.machines.store.byIndex("account", recordedAccount)) {
      const record = readableRecordOf(machine);
      if (record === undefined || Date.parse(record.at) >= list.startedAtMs) continue;
      if (list.ids.has(record.id)) shown += 1;
      else if (machine.metadata.deletionTimestamp === undefined) missing.stay += 1;
      else if (record.deletedAt === undefined && !hasLeft(machine, informers.nodes.store)) missing.go += 1;
    }
    // That what is being deleted is gone is no surprise, unless nothing is left to show that the cloud shows anything.
    const all = shown > 0 ? missing.stay : missing.stay + missing.go;
    return { listedAtMs: list.startedAtMs, missing: all, recorded: shown + all, showsSibling: shown > 0 };
  }

  return {
    of(account, recordedAccount) {
      const list = account === undefined ? undefined : lists.latest(account);
      if (list === undefined || recordedAccount === undefined) {
        return { listedAtMs: list?.startedAtMs, missing: 0, recorded: 0, showsSibling: false };
      }
      const nowMs = clock.now();
      const known = counted.get(list);
      if (known?.recordedAccount === recordedAccount && Math.abs(nowMs - known.atMs) < COUNT_FRESH_MS)
        return known.fleet;
      const fleet = count(list, recordedAccount);
      counted.set(list, { recordedAccount, atMs: nowMs, fleet });
      return fleet;
    },
  };
}

/** The record of a Machine; undefined where it cannot be read, too. */
export function readableRecordOf(machine: Machine): InstanceRecord | undefined {
  try {
    return recordOf(machine);
  } catch {
    return undefined;
  }
}

/** Index of Machines by the account that their instance was recorded under. */
export const byRecordedAccount = (machine: Machine): string[] => [readableRecordOf(machine)?.account ?? ""];

/** Its Node was there and is not any more, or nothing has been heard of its kubelet for a while. */
function hasLeft({ metadata, status }: Machine, nodes: Store<Node>): boolean {
  const [node] = nodes.byIndex("owner", metadata.uid ?? "");
  if (node === undefined) return Boolean(status?.nodeRef?.name ?? status?.versions?.kubelet);
  return node.status?.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";
}
