/** A life of writes: an object the size of a Machine is created, patched three times and deleted, by many at a time. */
import { coreResources, type KubeClient } from "@machine-controller/kube-client";

/** Writes a second by number of writers. */
export type WriteRates = Map<number, number>;

const WRITES_EACH = 5;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 5_000;
const NAMESPACE = "default";
const PAYLOAD = "x".repeat(2_000);

export async function measureWrites(client: KubeClient, writers: readonly number[]): Promise<WriteRates> {
  const rates: WriteRates = new Map();
  for (const count of writers) {
    await writeFor(client, { count, durationMs: WARM_UP_MS });
    const startedAt = performance.now();
    const lives = await writeFor(client, { count, durationMs: MEASURED_MS });
    rates.set(count, (lives * WRITES_EACH * 1_000) / (performance.now() - startedAt));
  }
  return rates;
}

async function writeFor(client: KubeClient, load: { count: number; durationMs: number }): Promise<number> {
  const until = performance.now() + load.durationMs;
  const lives = await Promise.all(
    Array.from({ length: load.count }, async (_, writer) => {
      let count = 0;
      while (performance.now() < until) await live(client, `bench-${writer}-${count++}`);
      return count;
    }),
  );
  return lives.reduce((total, count) => total + count, 0);
}

async function live(client: KubeClient, name: string): Promise<void> {
  const { signal } = new AbortController();
  const ref = { namespace: NAMESPACE, name };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: ref, data: { payload: PAYLOAD } };
  await client.create(coreResources.configMaps, object, { signal });
  for (const step of ["intent", "record", "node"]) {
    const body = { metadata: { annotations: { [step]: name } } };
    await client.patch(coreResources.configMaps, ref, { type: "merge", body }, { signal });
  }
  await client.delete(coreResources.configMaps, ref, { signal });
}
