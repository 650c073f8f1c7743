// Watchers that come and go while many write: each ends with exactly the server's state. `TORTURE_SECONDS=60` for longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectKubeconfig, coreResources, isKubeError, type KubeClient } from "@machine-controller/kube-client";
import { startEmbeddedProcess } from "../clients/embedded-process.ts";

const WRITERS = 50;
const WATCHERS = 20;
const OBJECTS = 40;
const SECONDS = Number(process.env["TORTURE_SECONDS"] ?? 5);
const NAMESPACE = "default";
const LAST = "the-end";
const maps = coreResources.configMaps;

test(`${WATCHERS} watchers that reconnect at random see what ${WRITERS} writers do`, async (t) => {
  const server = await startEmbeddedProcess();
  t.after(() => server.stop());
  const { client, close } = await connectKubeconfig({ kubeconfig: server.kubeconfigPath });
  t.after(close);
  const { signal } = new AbortController();
  const until = performance.now() + SECONDS * 1_000;

  const watchers = Array.from({ length: WATCHERS }, (_, index) => follow(client, index));
  const written = await Promise.all(Array.from({ length: WRITERS }, () => write(client, until)));
  await client.create(
    maps,
    { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: NAMESPACE, name: LAST, labels: { even: "true" } } },
    { signal },
  );
  const states = await Promise.all(watchers);
  const reconnects = states.reduce((total, { connections }) => total + connections, 0);
  t.diagnostic(`${written.reduce((total, count) => total + count, 0)} writes, ${reconnects} watches`);

  for (const [index, { known }] of states.entries()) {
    const { items } = await client.listAll(maps, { namespace: NAMESPACE, ...selectorOf(index), signal });
    const expected = items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]);
    assert.deepEqual([...known].sort(byName), expected.sort(byName), `watcher ${index}`);
  }
  assert.ok(reconnects > WATCHERS, "watchers reconnected");
});

/** Half of the watchers select what writers keep moving in and out of their sight. */
function selectorOf(watcher: number): { labelSelector?: string } {
  return watcher % 2 === 0 ? {} : { labelSelector: "even=true" };
}

async function follow(client: KubeClient, index: number): Promise<{ known: Map<string, string>; connections: number }> {
  const scope = { namespace: NAMESPACE, ...selectorOf(index) };
  const listed = await client.listAll(maps, { ...scope, signal: new AbortController().signal });
  const known = new Map<string, string>(
    listed.items.map(({ metadata }) => [metadata.name ?? "", metadata.resourceVersion ?? ""]),
  );
  const latest = new Map([...known].map(([name, version]) => [name, Number(version)]));
  let { resourceVersion } = listed;
  let connections = 0;
  while (!known.has(LAST)) {
    connections++;
    const leave = new AbortController();
    const timer = setTimeout(() => leave.abort(), Math.random() * 400);
    try {
      for await (const event of client.watch(maps, { ...scope, resourceVersion, signal: leave.signal })) {
        if (event.type === "BOOKMARK") continue;
        const { name = "", resourceVersion: version = "" } = event.object.metadata;
        assert.ok(Number(version) > (latest.get(name) ?? 0), `${name} rises from ${latest.get(name)} to ${version}`);
        assert.equal(known.has(name), event.type !== "ADDED", `${event.type} of ${name} fits what was known`);
        latest.set(name, Number(version));
        resourceVersion = version;
        if (event.type === "DELETED") known.delete(name);
        else known.set(name, version);
        if (name === LAST) break;
      }
    } catch (error) {
      if (!leave.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
  return { known, connections };
}

async function write(client: KubeClient, until: number): Promise<number> {
  const { signal } = new AbortController();
  let count = 0;
  for (; performance.now() < until; count++) {
    const name = `m${Math.floor(Math.random() * OBJECTS)}`;
    const ref = { namespace: NAMESPACE, name };
    const labels = { even: String(Math.random() < 0.5) };
    try {
      const turn = Math.random();
      if (turn < 0.4)
        await client.create(maps, { apiVersion: "v1", kind: "ConfigMap", metadata: { ...ref, labels } }, { signal });
      else if (turn < 0.8) {
        const body = { metadata: { labels }, data: { turn: String(count) } };
        await client.patch(maps, ref, { type: "merge", body }, { signal });
      } else await client.delete(maps, ref, { signal });
    } catch (error) {
      if (!isKubeError(error, "AlreadyExists") && !isKubeError(error, "NotFound")) throw error;
    }
  }
  return count;
}

function byName([a = ""]: (string | undefined)[], [b = ""]: (string | undefined)[]): number {
  return a < b ? -1 : 1;
}
