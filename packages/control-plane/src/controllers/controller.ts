/**
 * The loop every controller here runs in: changes name keys, keys are reconciled one at a time, a failed key is tried
 * again. Level based: a key says where to look, never what happened.
 */
import type { Server } from "../server.ts";
import type { Change } from "../storage/storage.ts";

export type Controller = {
  name: string;
  /** Keys to look at when the controller starts. */
  start(): Iterable<string>;
  /** Keys a committed change makes worth a look; must not write. */
  keysOf(change: Change): Iterable<string>;
  /** Returns after how many milliseconds to look again without a change, if at all. */
  reconcile(key: string): Promise<number | void>;
};

const RETRY_MS = 1000;

/** Settles once the signal has aborted and the key at hand is done. */
export async function runController(server: Server, controller: Controller, signal: AbortSignal): Promise<void> {
  const due = new Map<string, number>();
  let wake = (): void => {};
  const add = (key: string, at: number): void => {
    if ((due.get(key) ?? Number.POSITIVE_INFINITY) <= at) return;
    due.set(key, at);
    wake();
  };
  const stop = (): void => wake();
  signal.addEventListener("abort", stop);
  const unsubscribe = server.storage.subscribe((changes) => {
    for (const change of changes) for (const key of controller.keysOf(change)) add(key, 0);
  });
  for (const key of controller.start()) add(key, 0);
  try {
    while (!signal.aborted) {
      const key = nextDue(due, server.clock.now());
      if (key === undefined) {
        await pause({ server, until: Math.min(...due.values()), onWake: (resume) => (wake = resume) });
        wake = () => {};
        continue;
      }
      due.delete(key);
      const again = await attempt(server, controller, key);
      if (again !== undefined) add(key, server.clock.now() + again);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", stop);
  }
}

async function attempt(server: Server, controller: Controller, key: string): Promise<number | undefined> {
  try {
    return (await controller.reconcile(key)) ?? undefined;
  } catch (error) {
    if (server.closing.aborted) return undefined;
    server.log({ level: "warn", message: "reconcile failed", controller: controller.name, key, error: String(error) });
    return RETRY_MS;
  }
}

function nextDue(due: ReadonlyMap<string, number>, now: number): string | undefined {
  for (const [key, at] of due) if (at <= now) return key;
  return undefined;
}

/** Waits for a wake-up, or the time of the next key. */
async function pause(options: { server: Server; until: number; onWake: (resume: () => void) => void }): Promise<void> {
  const { server, until, onWake } = options;
  if (until === Number.POSITIVE_INFINITY) return new Promise(onWake);
  const woken = new AbortController();
  onWake(() => woken.abort("woken"));
  await server.clock.sleep(Math.max(0, until - server.clock.now()), { signal: woken.signal }).catch(() => {});
}
