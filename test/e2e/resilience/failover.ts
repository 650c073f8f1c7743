// Two replicas under load, and the leader killed with SIGKILL again and again.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { coreResources } from "@machine-controller/kube-client";
import type { ApiServerKind } from "../api-server.ts";
import type { ControllerProcess } from "../controller-process.ts";
import { assertSafe, type Fleet, NAMESPACE, openFleet } from "./fleet.ts";

const MOST = 12;
const FEW = 3;
/** A stand-by sees the Lease expire after 15 s, and looks every 2 to 2.4 s; the rest is for a machine under load. */
const TAKEOVER_MS = 15_000 + 2_400 + 7_600;
/** A leader is killed in the midst of its work. */
const AT_WORK_MS = 3_000;

export function describeFailover(kind: ApiServerKind, kills: number): void {
  describe(`failover, ${kind} API server`, () => {
    let fleet: Fleet;
    before(async () => (fleet = await openFleet(kind)));
    after(() => fleet?.close());

    test(`${kills} leaders killed`, { timeout: 180_000 + kills * 60_000 }, async (t) => {
      let leader = fleet.startController();
      await leader.printed(LEADING);
      let standBy = fleet.startController();
      await fleet.create(0);
      const takeovers: number[] = [];
      for (let kill = 0; kill < kills; kill++) {
        // It counts the 15 s from when it first saw the Lease.
        await standBy.printed(STANDING_BY);
        await fleet.scale(kill % 2 === 0 ? MOST : FEW);
        await sleep(Math.random() * AT_WORK_MS);
        const { holder } = await lease(fleet);
        process.kill(leader.pid, "SIGKILL");
        const killedAt = performance.now();
        await leader.exited;
        await standBy.printed(LEADING, { timeoutMs: TAKEOVER_MS });
        takeovers.push(performance.now() - killedAt);
        assert.notEqual((await lease(fleet)).holder, holder);
        [leader, standBy] = [standBy, fleet.startController()];
        assertSafe(fleet);
        if (takeovers.length % 10 === 0) console.log(`  ${takeovers.length} of ${kills} leaders killed`);
      }
      await fleet.scale(FEW);
      await fleet.settled(FEW);
      // Before it stands by, a signal ends it at once.
      await standBy.printed(STANDING_BY);
      await endsClean(fleet, [leader, standBy]);
      t.diagnostic(`takeover after ${takeovers.map((ms) => (ms / 1_000).toFixed(1)).join(", ")} s`);
    });
  });
}

const LEADING = /"leading"/;
const STANDING_BY = /"there is a new leader"/;

async function endsClean(fleet: Fleet, controllers: readonly ControllerProcess[]): Promise<void> {
  await fleet.scale(0);
  await fleet.settled(0);
  assertSafe(fleet);
  for (const controller of controllers) assert.equal(await controller.stop(), 0);
}

async function lease({ client, signal }: Fleet): Promise<{ holder: string | undefined }> {
  const ref = { namespace: NAMESPACE, name: "machine-controller" };
  return { holder: (await client.get(coreResources.leases, ref, { signal })).spec?.holderIdentity };
}
