/** What a bench sees of its Machines while they come and go. */
import { type Machine, recordOf } from "@machine-controller/api";
import { machines } from "@machine-controller/controllers";
import { coreResources, type KubeClient } from "@machine-controller/kube-client";
import { createInformer, systemClock } from "@machine-controller/kube-runtime";
import { setTimeout as sleep } from "node:timers/promises";
import { NAMESPACE } from "./manifests.ts";

export type FleetView = {
  readonly machines: number;
  readonly ready: number;
  /** @throws the signal's reason, or when the fleet has not changed for a minute. */
  until(what: string, isReached: () => boolean): Promise<void>;
  /** Waits until the youngest record of an instance is older than `ms`. @returns its age in milliseconds. */
  untilOlderThan(ms: number): Promise<number>;
};

const POLL_MS = 20;
const STUCK_MS = 60_000;

/** Watches until the signal aborts. */
export async function viewFleet(
  client: KubeClient,
  { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
): Promise<FleetView> {
  const informer = createInformer<Machine>({ client, resource: machines, namespace: NAMESPACE, clock: systemClock });
  const ready = new Set<string>();
  let changedAt = performance.now();
  informer.onChange(({ type, object }) => {
    changedAt = performance.now();
    const uid = object.metadata.uid ?? "";
    if (type !== "deleted" && isReady(object)) ready.add(uid);
    else ready.delete(uid);
  });
  void informer.run(signal).catch(() => undefined);
  await informer.synced;
  const view: FleetView = {
    get machines() {
      return informer.store.size;
    },
    get ready() {
      return ready.size;
    },
    async until(what, isReached) {
      changedAt = performance.now();
      let toldAt = changedAt;
      while (!isReached()) {
        const now = performance.now();
        if (now - changedAt > STUCK_MS)
          throw new Error(`${what}: stuck at ${view.machines} Machines, ${ready.size} Ready`);
        if (now - toldAt > 5_000) {
          progress(`${what}: ${view.machines} Machines, ${ready.size} Ready`);
          toldAt = now;
        }
        await sleep(POLL_MS, undefined, { signal });
      }
    },
    async untilOlderThan(ms) {
      const youngestAt = Math.max(...informer.store.list().map((machine) => Date.parse(recordOf(machine)?.at ?? "")));
      const restMs = youngestAt + ms - Date.now();
      if (restMs >= 0) {
        progress(`waiting ${Math.ceil(restMs / 1_000)} s until all Machines are older than ${ms / 1_000} s`);
        await sleep(restMs + 1, undefined, { signal });
      }
      return Date.now() - youngestAt;
    },
  };
  return view;
}

export async function countNodes(client: KubeClient, signal: AbortSignal): Promise<number> {
  return (await client.listAll(coreResources.nodes, { signal })).items.length;
}

const isReady = ({ status }: Machine): boolean =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
