// The controller as a process: what it says of itself, how it leads, how it ends.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { coreResources, defineResource, type KubeObject } from "@machine-controller/kube-client";
import { freePorts } from "../../peers/free-ports.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { until } from "../until.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "./embedded-cluster.ts";

const { signal } = new AbortController();
const PATIENCE = { timeoutMs: 30_000, pollMs: 50, signal, progress: () => undefined, quietMs: 60_000 };
const LEASE = { namespace: "kube-system", name: "machine-controller" };

type Running = { controller: ControllerProcess; health: string; metrics: string };

async function start(t: TestContext, cluster: EmbeddedCluster, flags: readonly string[] = []): Promise<Running> {
  const ports = await freePorts("health", "metrics");
  const controller = startController([
    `-kubeconfig=${cluster.kubeconfig}`,
    `-health-probe-address=127.0.0.1:${ports.health}`,
    `-metrics-address=127.0.0.1:${ports.metrics}`,
    ...flags,
  ]);
  t.after(() => controller.stop());
  return {
    controller,
    health: `http://127.0.0.1:${ports.health}`,
    metrics: `http://127.0.0.1:${ports.metrics}`,
  };
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();
const holderOf = async ({ client }: EmbeddedCluster): Promise<string | undefined> =>
  (await client.get(coreResources.leases, LEASE, { signal })).spec?.holderIdentity;

test("a leader tells of itself, and on SIGTERM gives the Lease up and ends in time", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const { controller, health, metrics } = await start(t, cluster, ["-worker-count=7", "-enable-profiling"]);
  await controller.printed(/caches are filled/);
  assert.equal(await text(`${health}/readyz`), "ok");
  assert.match(
    await text(`${health}/healthz?verbose`),
    /\[\+\]apiserver-connection ok\n\[\+\]caches ok\nhealthz check passed/,
  );
  const page = await text(`${metrics}/metrics`);
  for (const line of [
    "machine_controller_workers 7",
    'leader_election_master_status{name="machine-controller"} 1',
    "machine_controller_machines_total 0",
    "# TYPE machine_controller_machines_total counter",
    "# TYPE machine_controller_provisioning_time_seconds histogram",
    "# TYPE machine_deployment_replicas gauge",
    'workqueue_depth{name="machine",controller="machine"} 0',
  ]) {
    assert.ok(page.split("\n").includes(line), line);
  }
  assert.match(page, /rest_client_requests_total\{code="200",method="GET",host="127\.0\.0\.1:\d+"\} \d/);
  assert.match(
    page,
    /machine_controller_apiserver_request_duration_seconds_count\{verb="watch",resource="nodes",code="200"\} 1/,
  );
  const profile = JSON.parse(await text(`${metrics}/debug/pprof/profile?seconds=0.1`)) as { nodes?: unknown[] };
  assert.ok((profile.nodes?.length ?? 0) > 0);
  assert.match((await holderOf(cluster)) ?? "", /_[0-9a-f]{12}$/);

  const startedAt = performance.now();
  controller.signal("SIGTERM");
  assert.equal(await controller.exited, 0);
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal(await holderOf(cluster), "");
  for (const line of controller.output().trim().split("\n")) assert.ok(JSON.parse(line), line);
});

test("a stand-by takes over when the leader ends; a leader whose Lease is taken away ends with 1", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const first = await start(t, cluster);
  await first.controller.printed(/caches are filled/);
  const second = await start(t, cluster);
  await second.controller.printed(/there is a new leader/);
  assert.match(await text(`${second.metrics}/metrics`), /^machine_controller_workers 0$/m);
  assert.equal((await fetch(`${second.health}/healthz`)).status, 200);
  first.controller.signal("SIGTERM");
  await second.controller.printed(/"msg":"leading"/);

  const lease = await cluster.client.get(coreResources.leases, LEASE, { signal });
  await cluster.client.update(
    coreResources.leases,
    { ...lease, spec: { ...lease.spec, holderIdentity: "somebody-else", leaseDurationSeconds: 60 } },
    { signal },
  );
  assert.equal(await second.controller.exited, 1);
  assert.match(second.controller.output(), /"msg":"leadership was taken over by somebody-else"/);
});

test("differently named controllers lead side by side", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const [one, two] = await Promise.all([start(t, cluster), start(t, cluster, ["-name=shard"])]);
  await Promise.all([one.controller.printed(/caches are filled/), two.controller.printed(/caches are filled/)]);
  const { items } = await cluster.client.listAll(coreResources.leases, { namespace: "kube-system", signal });
  const names = new Set(items.map(({ metadata }) => metadata.name));
  assert.deepEqual(names, new Set(["machine-controller", "machine-controller-shard"]));
});

test("without the API server a process is alive but not ready", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  // A leader would end, since it cannot know any more that it is one.
  const { controller, health } = await start(t, cluster, ["-enable-leader-election=false"]);
  await controller.printed(/caches are filled/);
  await cluster.stop();
  await until(
    "unready",
    async () => ((await fetch(`${health}/healthz`)).status === 500 ? { done: true } : { pending: "ready" }),
    PATIENCE,
  );
  assert.equal((await fetch(`${health}/readyz`)).status, 200);
});

test("an account that may not do its work says what it lacks", async (t) => {
  const cluster = await startEmbeddedCluster(t);
  const account = { namespace: "default", name: "poor" };
  const serviceAccounts = defineResource<KubeObject>({
    group: "",
    version: "v1",
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    namespaced: true,
  });
  await cluster.client.create(
    serviceAccounts,
    { apiVersion: "v1", kind: "ServiceAccount", metadata: account },
    { signal },
  );
  const issued = (await cluster.client.createSubresource(
    serviceAccounts,
    account,
    "token",
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    { signal },
  )) as { status: { token: string } };
  const { controller, metrics } = await start(t, { ...cluster, kubeconfig: cluster.kubeconfigOf(issued.status.token) });
  await controller.printed(
    /lacks permissions: .*list nodes, .*create pods\/eviction.*update certificatesigningrequests\.certificates\.k8s\.io\/approval/,
  );
  assert.match(
    await text(`${metrics}/metrics`),
    /machine_controller_missing_permissions\{verb="patch",resource="machines",namespace=""\} 1/,
  );
});
