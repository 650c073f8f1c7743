// The runtime against the embedded API server: the same wire behaviour as in production, in process and on manual time.
import { createControlPlane } from "@machine-controller/control-plane";
import {
  type ConfigMap,
  coreResources,
  createKubeClient,
  inProcess,
  isKubeError,
  type KubeClient,
  withBearerToken,
} from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ManualClock, createManualClock } from "./clock.ts";
import { createController } from "./controller.ts";
import { createEventRecorder } from "./event-recorder.ts";
import { createInformer } from "./informer.ts";
import { runLeaderElection } from "./leader-election.ts";
import { runManager } from "./manager.ts";
import { keyOf } from "./store.ts";

const { configMaps, events, leases } = coreResources;
const { signal } = new AbortController();

async function connect(t: TestContext): Promise<{ client: KubeClient; clock: ManualClock }> {
  const clock = createManualClock(Date.UTC(2030, 0, 1));
  let byte = 0;
  const random = { bytes: (n: number) => Uint8Array.from({ length: n }, () => (byte += 7) % 256) };
  const controlPlane = await createControlPlane({ database: ":memory:", clock, random });
  t.after(() => controlPlane.close());
  const transport = withBearerToken(
    inProcess((request) => controlPlane.handle(request)),
    controlPlane.adminToken,
  );
  return { client: createKubeClient({ baseUrl: "http://control-plane.test", transport, clock }), clock };
}

async function until(clock: ManualClock, isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !isTrue(); turn += 1) await clock.advance(0);
  assert.ok(isTrue(), "it never came about");
}

function configMap(name: string, data: Record<string, string>): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", labels: { watched: "yes" } },
    data,
  };
}

test("a controller behind an informer sees what is created, changed and deleted", async (t) => {
  const { client, clock } = await connect(t);
  await client.create(configMaps, configMap("early", { step: "1" }), { signal });
  const informer = createInformer({
    client,
    resource: configMaps,
    namespace: "default",
    labelSelector: "watched=yes",
    indexes: { step: ({ data }) => (data?.["step"] === undefined ? [] : [data["step"]]) },
    clock,
  });
  const seen: string[] = [];
  const controller = createController({
    name: "test",
    concurrency: 2,
    clock,
    reconcile: async (key) => void seen.push(`${key} ${informer.store.getByKey(key)?.data?.["step"] ?? "gone"}`),
  });
  informer.onChange(({ object }) => controller.enqueue(keyOf(object)));
  const stop = new AbortController();
  const running = runManager({ informers: [informer], controllers: [controller], clock, signal: stop.signal });
  await until(clock, () => seen.length === 1);
  await client.create(configMaps, configMap("late", { step: "1" }), { signal });
  await until(clock, () => informer.store.byIndex("step", "1").length === 2);
  const ref = { namespace: "default", name: "late" };
  informer.observe(await client.patch(configMaps, ref, { type: "merge", body: { data: { step: "2" } } }, { signal }));
  assert.equal(informer.store.byIndex("step", "2").length, 1);
  await client.delete(configMaps, ref, { signal });
  await until(clock, () => seen.includes("default/late gone"));
  assert.equal(seen[0], "default/early 1");
  stop.abort(new Error("test over"));
  await running;
});

test("leadership passes from one candidate to the other through a real Lease", async (t) => {
  const { client, clock } = await connect(t);
  const leading: string[] = [];
  const stand = (identity: string): { stop: AbortController; ended: Promise<void> } => {
    const stop = new AbortController();
    const ended = runLeaderElection({
      client,
      namespace: "kube-system",
      name: "controller",
      identity,
      clock,
      signal: stop.signal,
      lead: async (signal) => {
        leading.push(identity);
        await clock.sleep(1e9, { signal }).catch(() => undefined);
      },
    });
    return { stop, ended };
  };
  const first = stand("first");
  await until(clock, () => leading.length === 1);
  const second = stand("second");
  for (let seconds = 0; seconds < 30; seconds += 1) await clock.advance(1000);
  assert.deepEqual(leading, ["first"]);
  first.stop.abort(new Error("shutdown"));
  for (let seconds = 0; seconds < 4; seconds += 1) await clock.advance(1000);
  await first.ended;
  assert.deepEqual(leading, ["first", "second"]);
  const lease = await client.get(leases, { namespace: "kube-system", name: "controller" }, { signal });
  assert.equal(lease.spec?.holderIdentity, "second");
  second.stop.abort(new Error("shutdown"));
  await clock.advance(1000);
  await second.ended;
});

test("events are taken and counted", async (t) => {
  const { client, clock } = await connect(t);
  const errors: unknown[] = [];
  const onError = (error: unknown): number => errors.push(error);
  const recorder = createEventRecorder({ client, component: "tester", clock, random: () => 0.5, onError });
  const object = await client.create(configMaps, configMap("subject", {}), { signal });
  for (let times = 0; times < 2; times += 1) {
    recorder.event(object, { type: "Warning", reason: "Test", message: "hello" });
    await recorder.flush({ signal });
  }
  assert.deepEqual(errors, []);
  const { items } = await client.list(events, { namespace: "default", signal });
  assert.deepEqual(
    items.filter(({ reason }) => reason === "Test").map(({ count }) => count),
    [2],
  );
});

test("errors of the server arrive as their codes", async (t) => {
  const { client } = await connect(t);
  const ref = { namespace: "default", name: "a" };
  await assert.rejects(client.get(configMaps, ref, { signal }), (error) => isKubeError(error, "NotFound"));
  const created = await client.create(configMaps, configMap("a", {}), { signal });
  const again = client.create(configMaps, configMap("a", {}), { signal });
  await assert.rejects(again, (error) => isKubeError(error, "AlreadyExists"));
  await client.update(configMaps, { ...created, data: { a: "b" } }, { signal });
  const stale = client.update(configMaps, { ...created, data: { a: "c" } }, { signal });
  await assert.rejects(stale, (error) => isKubeError(error, "Conflict"));
});
