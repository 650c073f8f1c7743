/** One list of instances per account, shared by every Machine of it. */
import type { Machine } from "@machine-controller/api";
import { type Instance, type Provider, ProviderError } from "@machine-controller/provider";
import { createSharedReads } from "./shared-reads.ts";

/** Accounts whose newest list is kept; a credential that was rotated away leaves one behind. */
const MOST_ACCOUNTS = 256;

export type InstanceList = {
  /** Taken before the read began, in milliseconds on the clock. */
  readonly startedAtMs: number;
  readonly byMachineUid: ReadonlyMap<string, readonly Instance[]>;
  readonly ids: ReadonlySet<string>;
};

export type InstanceLists = {
  /** The newest complete list of the account; undefined when there has been none. */
  latest(account: string): InstanceList | undefined;
  /**
   * A complete list whose read began after `startedAfterMs`, made with a credential of the account before and after.
   * Callers that ask at the same time share one read, which goes on when one of them aborts.
   */
  read(
    account: string,
    request: { provider: Provider; machine: Machine; startedAfterMs: number; signal: AbortSignal },
  ): Promise<InstanceList>;
  /** Told of every complete list. */
  onList(listener: (list: InstanceList) => void): void;
  /** Forgets all lists: their times mean nothing any more. */
  clear(): void;
};

/** @param options.signal ends reads that no single caller may end, since others wait for them too. */
export function createInstanceLists(options: { clock: { now(): number }; signal: AbortSignal }): InstanceLists {
  const { clock, signal } = options;
  const listeners: ((list: InstanceList) => void)[] = [];
  const reads = createSharedReads<Omit<InstanceList, "startedAtMs">>({
    clock,
    most: MOST_ACCOUNTS,
    onAnswer(list) {
      for (const listener of listeners) listener(list);
    },
  });

  async function fetchList(account: string, provider: Provider, machine: Machine) {
    const instances = await provider.list(machine, { signal });
    if ((await provider.account(machine, { signal })) !== account) {
      throw new ProviderError("Unavailable", "the credential changed while the cloud was read");
    }
    const marked = instances.filter(({ machineUid }) => machineUid);
    return {
      byMachineUid: Map.groupBy(marked, ({ machineUid }) => machineUid ?? ""),
      ids: new Set(instances.map(({ id }) => id)),
    };
  }

  return {
    latest: (account) => reads.latest(account),
    onList: (listener) => void listeners.push(listener),
    clear: () => reads.clear(),
    read: (account, { provider, machine, startedAfterMs, signal: callerSignal }) =>
      reads.read(account, {
        startedAfterMs,
        read: () => fetchList(account, provider, machine),
        signal: callerSignal,
      }),
  };
}
