// The server dies as `kill -9` lets it while many write: nothing acknowledged is lost, nothing is half there.
// `TORTURE_KILLS=100` for more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  connectKubeconfig,
  coreResources,
  isKubeError,
  KubeError,
  kubeErrorCodes,
  type KubeClient,
} from "@machine-controller/kube-client";
import { startEmbeddedProcess } from "../clients/embedded-process.ts";

const KILLS = Number(process.env["TORTURE_KILLS"] ?? 3);
const WRITERS = 16;
const NAMESPACE = "default";
const maps = coreResources.configMaps;
const { signal } = new AbortController();

/** What a writer knows of its object: `sent` may have happened, `acknowledged` has. */
type Knowledge = { acknowledged: number; sent: number };

test(`${KILLS} times kill -9 during ${WRITERS} writers loses no acknowledged write`, async (t) => {
  const server = await startEmbeddedProcess();
  t.after(() => server.stop());
  const { client, close } = await connectKubeconfig({ kubeconfig: server.kubeconfigPath });
  t.after(close);
  const knowledge = Array.from({ length: WRITERS }, (): Knowledge => ({ acknowledged: 0, sent: 0 }));
  let highest = 0;

  for (let round = 0; round < KILLS; round++) {
    const before = total(knowledge);
    const stop = new AbortController();
    const { promise: underWay, resolve: onAcknowledged } = Promise.withResolvers<void>();
    const writers = knowledge.map((known, writer) =>
      write(client, { writer, known, stop: stop.signal, onAcknowledged }),
    );
    await underWay;
    await sleep(Math.random() * 300);
    const restarted = server.killAndRestart();
    stop.abort();
    await Promise.all([...writers, restarted]);
    assert.ok(total(knowledge) > before, "something was written before the kill");

    const { items, resourceVersion } = await client.listAll(maps, { namespace: NAMESPACE, signal });
    const byName = new Map(items.map((item) => [item.metadata.name, item]));
    for (const [writer, known] of knowledge.entries()) {
      const found = byName.get(`writer-${writer}`);
      const { first = "0", second = "0" } = found?.data ?? {};
      assert.equal(first, second, "a write is there as a whole");
      const turn = Number(first);
      assert.ok(turn >= known.acknowledged && turn <= known.sent, `${turn} of ${JSON.stringify(known)}`);
      assert.ok(Number(found?.metadata.resourceVersion ?? 0) <= Number(resourceVersion));
      known.acknowledged = turn;
      known.sent = turn;
    }
    assert.ok(Number(resourceVersion) > highest, "the revision never goes back");
    highest = Number(resourceVersion);
  }
  t.diagnostic(`${total(knowledge)} acknowledged writes, ${KILLS} kills`);
});

async function write(
  client: KubeClient,
  options: { writer: number; known: Knowledge; stop: AbortSignal; onAcknowledged: () => void },
): Promise<void> {
  const { writer, known, stop, onAcknowledged } = options;
  const ref = { namespace: NAMESPACE, name: `writer-${writer}` };
  while (!stop.aborted) {
    const turn = known.acknowledged + 1;
    const data = { first: String(turn), second: String(turn), padding: "x".repeat(2_000) };
    known.sent = turn;
    try {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: ref, data };
      await client.patch(maps, ref, { type: "apply", body, fieldManager: "torture", force: true }, { signal });
      known.acknowledged = turn;
      onAcknowledged();
    } catch (error) {
      // The answer did not come: the write may have happened.
      if (isKubeError(error) && error instanceof KubeError && kubeErrorCodes[error.code].outcomeUnknown) return;
      throw error;
    }
  }
}

function total(knowledge: Knowledge[]): number {
  return knowledge.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}
