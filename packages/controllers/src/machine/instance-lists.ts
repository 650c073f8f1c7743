/** One list of instances per account, shared by every Machine of it. */
import type { Machine } from "@machine-controller/api";
import type { Instance, Provider } from "@machine-controller/provider";

export type InstanceList = {
  /** Taken before the read began, in milliseconds on the clock. */
  readonly startedAtMs: number;
  readonly byMachineUid: ReadonlyMap<string, Instance>;
  readonly ids: ReadonlySet<string>;
};

export type InstanceLists = {
  /** The newest complete list of the account; undefined when there has been none. */
  latest(account: string): InstanceList | undefined;
  /** A complete list whose read began after `startedAfterMs`. Callers that ask at the same time share one read. */
  read(
    account: string,
    request: { provider: Provider; machine: Machine; startedAfterMs: number },
  ): Promise<InstanceList>;
};

/** @param options.signal ends reads that no single caller may end, since others wait for them too. */
export function createInstanceLists(options: { clock: { now(): number }; signal: AbortSignal }): InstanceLists {
  const { clock, signal } = options;
  const newest = new Map<string, InstanceList>();
  const running = new Map<string, { startedAtMs: number; list: Promise<InstanceList> }>();

  async function fetchList(account: string, provider: Provider, machine: Machine): Promise<InstanceList> {
    const startedAtMs = clock.now();
    const instances = await provider.list(machine, { signal });
    const list: InstanceList = {
      startedAtMs,
      byMachineUid: new Map(
        instances.flatMap((instance) => (instance.machineUid ? [[instance.machineUid, instance]] : [])),
      ),
      ids: new Set(instances.map(({ id }) => id)),
    };
    if ((newest.get(account)?.startedAtMs ?? -1) <= startedAtMs) newest.set(account, list);
    return list;
  }

  return {
    latest: (account) => newest.get(account),
    async read(account, { provider, machine, startedAfterMs }) {
      for (;;) {
        const known = newest.get(account);
        if (known !== undefined && known.startedAtMs > startedAfterMs) return known;
        const current = running.get(account);
        if (current === undefined) {
          const list = fetchList(account, provider, machine).finally(() => running.delete(account));
          running.set(account, { startedAtMs: clock.now(), list });
          return list;
        }
        if (current.startedAtMs > startedAfterMs) return current.list;
        // It began too early for this caller; whatever comes of it, the next one is fresh.
        await current.list.catch(() => undefined);
      }
    },
  };
}
