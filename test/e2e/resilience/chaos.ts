// An API server that is unwell in every way: the fleet comes to what is wanted of it all the same, and while the controller is
// blind it destroys nothing. CHAOS_DOWN_SECONDS sets how long the API server is away.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiServerKind } from "../api-server.ts";
import { assertSafe, type Fleet, openFleet } from "./fleet.ts";
import { type FaultyProxy, startFaultyProxy } from "./faulty-proxy.ts";

const DOWN_MS = Number(process.env["CHAOS_DOWN_SECONDS"] ?? 15) * 1_000;
const MANY = 8;
const FEW = 4;
const PATIENCE_MS = 240_000;
/** Requests that were under way when the API server went. */
const UNDER_WAY_MS = 2_000;
const WRITES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

export function describeChaos(kind: ApiServerKind): void {
  describe(`chaos, ${kind} API server`, () => {
    let fleet: Fleet;
    let proxy: FaultyProxy;
    before(async () => {
      fleet = await openFleet(kind);
      proxy = await startFaultyProxy(fleet.apiServer.kubeconfig);
      await fleet.keepController(proxy.kubeconfig);
      await fleet.create(FEW);
    });
    beforeEach(async () => {
      proxy.strike = () => undefined;
      await fleet.scale(FEW);
      await fleet.settled(FEW, PATIENCE_MS);
    });
    after(async () => {
      await fleet?.close();
      await proxy?.close();
    });

    /** Up and down again while something goes wrong; what stays is what was there before, untouched. */
    async function comesThrough(): Promise<void> {
      const before = new Set(fleet.servers.keys());
      const startedAt = fleet.changes.length;
      await fleet.scale(MANY);
      await fleet.settled(MANY, PATIENCE_MS);
      assert.ok(
        [...before].every((id) => fleet.servers.has(id)),
        "a server was replaced while the fleet grew",
      );
      assert.equal(fleet.changes.slice(startedAt).filter(isDeletion).length, 0);
      await fleet.scale(FEW);
      await fleet.settled(FEW, PATIENCE_MS);
      assertSafe(fleet);
    }

    /** What the fleet is stays what it is while `blind` lasts. */
    async function staysUntouched(blind: () => Promise<void>): Promise<void> {
      const before = await identities(fleet);
      const changesBefore = fleet.changes.length;
      await blind();
      assert.deepEqual(fleet.changes.slice(changesBefore), []);
      await sleep(UNDER_WAY_MS);
      assert.deepEqual(await identities(fleet), before);
      assert.deepEqual(fleet.changes.slice(changesBefore), []);
    }

    test("watches cut every second", { timeout: 2 * PATIENCE_MS }, async () => {
      let cut = 0;
      const cutting = setInterval(() => (cut += proxy.cutWatches()), 1_000);
      await comesThrough().finally(() => clearInterval(cutting));
      assert.ok(cut > 5, `only ${cut} watches were cut`);
    });

    test("409 on every third write", { timeout: 2 * PATIENCE_MS }, async () => {
      let writes = 0;
      proxy.strike = ({ method, path }) =>
        WRITES.has(method) && !isLease(path) && ++writes % 3 === 0 ? { refuse: 409 } : undefined;
      const before = proxy.struck;
      await comesThrough();
      assert.ok(proxy.struck - before > 5, "no fault struck");
    });

    test("429, 500, lost answers and broken connections", { timeout: 2 * PATIENCE_MS }, async () => {
      const faults = [{ refuse: 429 }, { refuse: 500 }, "lose", "drop"] as const;
      let requests = 0;
      proxy.strike = ({ path }) => (!isLease(path) && ++requests % 4 === 0 ? faults[(requests / 4) % 4] : undefined);
      const before = proxy.struck;
      await comesThrough();
      assert.ok(proxy.struck - before > 5, "no fault struck");
    });

    test(`the API server is away for ${DOWN_MS / 1_000} s`, { timeout: 2 * PATIENCE_MS }, async (t) => {
      await staysUntouched(async () => {
        proxy.stop();
        await sleep(DOWN_MS);
        proxy.start();
      });
      // And in the midst of growing.
      await fleet.scale(MANY);
      await sleep(1_000);
      proxy.stop();
      await sleep(DOWN_MS);
      proxy.start();
      const backAt = performance.now();
      await comesThrough();
      t.diagnostic(`grown, and shrunk again, ${((performance.now() - backAt) / 1_000).toFixed(1)} s after it was back`);
    });

    const skip = kind === "embedded" && "the embedded API server is one process, without an etcd";
    test("kube-apiserver and etcd stand still at times", { skip, timeout: 2 * PATIENCE_MS }, async () => {
      const { pids } = fleet.apiServer.real ?? assert.fail("no real control plane");
      const pauses = new AbortController();
      const pausing = Promise.all([
        pause(pids.etcd, { everyMs: 1_500, forMs: 1_000, signal: pauses.signal }),
        pause(pids.kubeApiserver, { everyMs: 7_000, forMs: 3_000, signal: pauses.signal }),
      ]);
      try {
        await comesThrough();
      } finally {
        pauses.abort();
        await pausing;
      }
    });
  });
}

const isDeletion = (change: string): boolean => change.startsWith("DELETE ");
const isLease = (path: string): boolean => path.includes("/leases");

/** Which Machines, Nodes and servers there are. */
async function identities(fleet: Fleet): Promise<string[][]> {
  const uids = (objects: { metadata: { uid?: string } }[]): string[] =>
    objects.map(({ metadata }) => metadata.uid ?? "").toSorted();
  return [uids(await fleet.machines()), uids(await fleet.nodes()), [...fleet.servers.keys()].map(String)];
}

/** A process stands still for a while, again and again; it runs when this ends. */
async function pause(
  pid: number,
  { everyMs, forMs, signal }: { everyMs: number; forMs: number; signal: AbortSignal },
): Promise<void> {
  try {
    for (;;) {
      await sleep(everyMs, undefined, { signal });
      process.kill(pid, "SIGSTOP");
      await sleep(forMs, undefined, { signal });
      process.kill(pid, "SIGCONT");
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
