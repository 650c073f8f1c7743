/** One list of instances per account, shared by every Machine of it. */
import type { Machine } from "@machine-controller/api";
import { untilAborted } from "@machine-controller/kube-client";
import { type Instance, type Provider, ProviderError } from "@machine-controller/provider";

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
  /** Forgets all lists: their times mean nothing any more. */
  clear(): void;
};

/** @param options.signal ends reads that no single caller may end, since others wait for them too. */
export function createInstanceLists(options: { clock: { now(): number }; signal: AbortSignal }): InstanceLists {
  const { clock, signal } = options;
  const newest = new Map<string, InstanceList>();
  const running = new Map<string, { startedAtMs: number; list: Promise<InstanceList> }>();

  async function fetchList(account: string, provider: Provider, machine: Machine): Promise<InstanceList> {
    const startedAtMs = clock.now();
    const instances = await provider.list(machine, { signal });
    if ((await provider.account(machine, { signal })) !== account) {
      throw new ProviderError("Unavailable", "the credential changed while the cloud was read");
    }
    const marked = instances.filter(({ machineUid }) => machineUid);
    const list: InstanceList = {
      startedAtMs,
      byMachineUid: Map.groupBy(marked, ({ machineUid }) => machineUid ?? ""),
      ids: new Set(instances.map(({ id }) => id)),
    };
    newest.delete(account);
    newest.set(account, list);
    const [oldest] = newest.keys();
    if (newest.size > MOST_ACCOUNTS && oldest !== undefined) newest.delete(oldest);
    return list;
  }

  return {
    latest: (account) => newest.get(account),
    clear: () => newest.clear(),
    async read(account, { provider, machine, startedAfterMs, signal: callerSignal }) {
      for (;;) {
        const known = newest.get(account);
        if (known !== undefined && known.startedAtMs > startedAfterMs) return known;
        const current = running.get(account);
        if (current === undefined) {
          const list = fetchList(account, provider, machine).finally(() => running.delete(account));
          running.set(account, { startedAtMs: clock.now(), list });
          return untilAborted(list, callerSignal);
        }
        if (current.startedAtMs > startedAfterMs) return untilAborted(current.list, callerSignal);
        // It began too early for this caller; whatever comes of it, the next one is fresh.
        const ended = current.list.then(
          () => undefined,
          () => undefined,
        );
        await untilAborted(ended, callerSignal);
      }
    },
  };
}
