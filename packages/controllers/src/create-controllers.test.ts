// The whole line on the embedded API server: MachineDeployment → MachineSet → Machine → instance → Node, and back.
import { customResourceDefinitions, type MachineDeployment } from "@machine-controller/api";
import { API_VERSION } from "@machine-controller/api/well-known";
import { createControlPlane } from "@machine-controller/control-plane";
import {
  coreResources,
  createKubeClient,
  inProcess,
  type Node,
  withBearerToken,
} from "@machine-controller/kube-client";
import { createEventRecorder, createManualClock, runManager } from "@machine-controller/kube-runtime";
import type { ConfigVarResolver } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createControllers } from "./create-controllers.ts";
import { machineDeployments, machines } from "./resources.ts";
import { createFakeCloud } from "./testing/fake-cloud.ts";
import { createFaults } from "./testing/faults.ts";
import { machineManifest, nodeManifest, START } from "./testing/world.ts";

const { signal } = new AbortController();
const { events, nodes } = coreResources;

async function setUp(t: TestContext) {
  const clock = createManualClock(START);
  let byte = 0;
  const random = { bytes: (length: number) => Uint8Array.from({ length }, () => (byte += 7) % 251) };
  const controlPlane = await createControlPlane({ database: ":memory:", clock, random });
  const stop = new AbortController();
  const running: Promise<unknown>[] = [controlPlane.run(stop.signal)];
  t.after(async () => {
    stop.abort(new Error("test over"));
    await Promise.all(running);
    controlPlane.close();
  });
  await controlPlane.setEndpoint("https://127.0.0.1:6443");

  const writes: string[] = [];
  const connect = (seen?: (request: Request) => void) => {
    const transport = withBearerToken(
      inProcess((request) => {
        seen?.(request);
        return controlPlane.handle(request);
      }),
      controlPlane.adminToken,
    );
    return createKubeClient({ baseUrl: "http://control-plane.test", transport, clock });
  };
  const client = connect();
  for (const definition of customResourceDefinitions) {
    await client.create(coreResources.customResourceDefinitions, definition, { signal });
  }
  const counted = connect(({ method, url }) => {
    const [, kind = ""] = /\/(secrets|events|nodes|machines|machinesets|machinedeployments|leases)\b/.exec(url) ?? [];
    if (method !== "GET") writes.push(`${method} ${kind}`);
  });
  const cloud = createFakeCloud(clock);
  const log = (): void => {};
  const { informers, controllers } = createControllers({
    client: counted,
    clock,
    random,
    log,
    events: createEventRecorder({ client: counted, component: "machine-controller", clock, random: () => 0.5 }),
    providers: new Map([
      ["fake", cloud.connect({ faults: createFaults({ crash: log, later: log }), alive: () => true })],
    ]),
    redHat: { fetch: () => Promise.reject(new Error("no network")), resolver: {} as ConfigVarResolver },
    name: "",
    workerCount: 4,
    nodeCsrApprover: false,
    machine: { externalCloudProvider: false, joinClusterTimeoutMs: undefined, skipEvictionAfterMs: 7_200_000 },
    userData: { clusterDns: ["10.96.0.10"], kubeletFeatureGates: {}, apiServer: undefined },
    signal: stop.signal,
  });
  running.push(runManager({ informers, controllers, clock, signal: stop.signal }));

  const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
    for (let turn = 0; turn < 400; turn += 1) {
      if (await isTrue()) return;
      await clock.advance(100);
    }
    assert.fail("it did not come about");
  };
  /** What the kubelet of each VM does. */
  const join = async (): Promise<void> => {
    for (const { name, machineUid = "", address } of cloud.vms()) {
      const manifest = nodeManifest(name, { machineUid, address }) as Node;
      const node = await client.create(nodes, manifest, { signal }).catch(() => undefined);
      if (node === undefined) continue;
      const patch = { type: "merge", body: { status: manifest.status } } as const;
      await client.patch(nodes, { name }, patch, { subresource: "status", signal });
    }
  };
  return { client, cloud, writes, until, join, clock };
}

test("a life costs a token, an intent, a record, one Node patch and one status; a death its Node and a patch", async (t) => {
  const { client, cloud, writes, until, join, clock } = await setUp(t);
  const ref = { namespace: "kube-system", name: "m" };
  await client.create(machines, machineManifest() as never, { signal });
  await until(async () => cloud.vms().length === 1);
  await join();
  await until(async () => (await client.get(machines, ref, { signal })).status?.phase === "Running");
  // No longer: this Node's kubelet renews no Lease.
  await clock.advance(20_000);
  assert.deepEqual(writes.toSorted(), [
    "PATCH machines",
    "PATCH machines",
    "PATCH machines",
    "PATCH nodes",
    "POST events",
    "POST secrets",
  ]);
  const found = await client.list(events, { namespace: "kube-system", signal });
  assert.deepEqual(
    found.items.map(({ reason }) => reason),
    ["Created"],
  );
  const { status } = await client.get(machines, ref, { signal });
  assert.deepEqual(
    status?.conditions?.map(({ type, status }) => `${type}=${status}`),
    ["InstanceReady=True", "BootstrapReady=True", "NodeReady=True", "Ready=True"],
  );

  writes.length = 0;
  await client.delete(machines, ref, { signal });
  await until(async () => (await client.list(machines, { signal })).items.length === 0);
  assert.deepEqual(writes, ["DELETE nodes", "PATCH machines"]);
  assert.deepEqual(cloud.vms(), []);
});

test("a cluster-info that is missing or of no use holds up the bootstrap, and no longer than that", async (t) => {
  const { client, cloud, until, clock } = await setUp(t);
  const info = { namespace: "kube-public", name: "cluster-info" };
  const ref = { namespace: "kube-system", name: "m" };
  const told = async (): Promise<string> => {
    const { phase, errorReason, conditions } = (await client.get(machines, ref, { signal })).status ?? {};
    const { status, reason, message } = conditions?.find(({ type }) => type === "BootstrapReady") ?? {};
    return [phase, errorReason, status, reason, message].join(" ");
  };
  const published = await client.get(coreResources.configMaps, info, { signal });
  await client.delete(coreResources.configMaps, info, { signal });
  await client.create(machines, machineManifest() as never, { signal });
  await until(async () =>
    /^Pending {2}False UserDataMissing ConfigMap kube-public\/cluster-info does not/.test(await told()),
  );

  const { metadata, ...rest } = published;
  await client.create(coreResources.configMaps, { ...rest, metadata: info, data: { kubeconfig: "{}" } }, { signal });
  await until(async () =>
    /False UserDataMissing key kubeconfig of ConfigMap kube-public\/cluster-info/.test(await told()),
  );
  await clock.advance(60_000);
  assert.deepEqual(cloud.vms(), []);

  await client.patch(coreResources.configMaps, info, { type: "merge", body: { data: published.data } }, { signal });
  await until(async () => cloud.vms().length === 1);
  assert.match(await told(), /^Provisioning {2}True UserDataGiven/);
});

test("what the API server refuses to a Node shows on the Machine, the rest is given, and what is mended at once", async (t) => {
  const { client, cloud, writes, until, join, clock } = await setUp(t);
  const ref = { namespace: "kube-system", name: "m" };
  const say = async (spec: object): Promise<void> => {
    await client.patch(machines, ref, { type: "merge", body: { spec } }, { signal });
    await clock.advance(1_000);
  };
  const node = () => client.get(nodes, { name: "m" }, { signal });
  const synced = async (): Promise<string[]> => {
    const { status } = await client.get(machines, ref, { signal });
    const found = status?.conditions?.find(({ type }) => type === "NodeSynced");
    return [found?.status ?? "", found?.reason ?? "", found?.message ?? ""];
  };
  await client.create(machines, machineManifest() as never, { signal });
  await say({
    metadata: { labels: { a: "1", b: "-bad" }, annotations: { note: "1" } },
    taints: [{ key: "t", value: "1", effect: "NoSchedule" }],
  });
  await until(async () => cloud.vms().length === 1);
  await join();
  await until(async () => (await client.get(machines, ref, { signal })).status?.phase === "Running");
  const [status, reason, message] = await synced();
  assert.deepEqual([status, reason], ["False", "Refused"]);
  assert.match(
    message ?? "",
    /^Node m is not given .*: spec\.metadata\.labels: Invalid value: "-bad": a valid label must /,
  );
  const { metadata, spec } = await node();
  const { uid = "" } = (await client.get(machines, ref, { signal })).metadata;
  assert.equal(metadata.labels?.["machine-controller/owned-by"], uid);
  assert.deepEqual([metadata.labels?.["a"], metadata.annotations?.["note"]], [undefined, "1"]);
  assert.ok(spec?.taints?.some(({ key }) => key === "t"));

  const patches = (): number => writes.filter((write) => write === "PATCH nodes").length;
  const before = patches();
  await clock.advance(20_000);
  assert.equal(patches(), before, "it is not asked for again at once");
  await clock.advance(15_000);
  assert.equal(patches(), before + 1, "it is asked for again while the Node is Ready");
  await clock.advance(2 * 3_600_000);
  assert.ok(patches() > before && patches() < before + 20, `${patches() - before} in two hours`);

  await say({ metadata: { labels: { b: "good" } } });
  const { labels } = (await node()).metadata;
  assert.deepEqual([labels?.["a"], labels?.["b"]], ["1", "good"]);
  assert.deepEqual(await synced(), ["True", "Synced", ""]);
  await say({ metadata: { labels: { a: null } } });
  assert.equal((await node()).metadata.labels?.["a"], undefined);

  await say({ metadata: { annotations: { "no key": "" } }, taints: [{ key: "-", effect: "NoSchedule" }] });
  assert.match(
    (await synced())[2] ?? "",
    /spec\.metadata\.annotations: Invalid value.*; spec\.taints: Invalid value: "-"/,
  );
  await say({ metadata: { annotations: { "no key": null } }, taints: null });
  assert.deepEqual(await synced(), ["True", "Synced", ""]);
  assert.ok(!(await node()).spec?.taints?.some(({ key }) => key === "t"), "what was given before is still remembered");
});

test("a MachineDeployment becomes Ready Nodes, and its deletion leaves nothing", async (t) => {
  const { client, cloud, until, join } = await setUp(t);
  const { spec } = machineManifest() as { spec: MachineDeployment["spec"]["template"]["spec"] };
  const labels = { app: "a" };
  const ref = { namespace: "kube-system", name: "md" };
  await client.create(
    machineDeployments,
    {
      apiVersion: API_VERSION,
      kind: "MachineDeployment",
      metadata: ref,
      spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
    { signal },
  );
  await until(async () => {
    await join();
    return (await client.get(machineDeployments, ref, { signal })).status?.availableReplicas === 3;
  });
  assert.equal(cloud.vms().length, 3);
  await client.delete(machineDeployments, ref, { propagationPolicy: "Foreground", signal });
  await until(async () => (await client.list(machineDeployments, { signal })).items.length === 0);
  assert.deepEqual(cloud.vms(), []);
  assert.deepEqual((await client.list(machines, { signal })).items, []);
  assert.deepEqual([...cloud.violations], []);
});
