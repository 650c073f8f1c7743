import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine, MachineDeployment, MachineSet } from "@machine-controller/api";
import { type Change, createController, createManualClock, createStore, keyOf } from "@machine-controller/kube-runtime";
import { ProviderError } from "@machine-controller/provider";
import { createMetrics } from "./registry.ts";

const START = Date.UTC(2030, 0, 1);
const at = (seconds: number): string => new Date(START + seconds * 1_000).toISOString();

/** An informer that a test speaks for. */
function informerOf<T extends Machine | MachineSet | MachineDeployment>(name: string) {
  const store = createStore<T>();
  const handlers = new Set<(change: Change<T>) => void>();
  return {
    name,
    store,
    metrics: { lists: 1, watches: 2, errors: 0 },
    synced: Promise.resolve(),
    run: async () => undefined,
    isFresh: () => true,
    lastEventAt: 0,
    observe: () => undefined,
    onChange: (handler: (change: Change<T>) => void) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    put(object: T) {
      const old = store.getByKey(keyOf(object));
      store.set(object);
      for (const handler of handlers) handler(old ? { type: "updated", object, old } : { type: "added", object });
    },
    remove(object: T) {
      store.delete(keyOf(object));
      for (const handler of handlers) handler({ type: "deleted", object });
    },
  };
}

function machine(name: string, more: Record<string, unknown> = {}, value: Record<string, unknown> = {}): Machine {
  const { metadata, ...rest } = more as { metadata?: object };
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: { name, namespace: "a", uid: `${name}-uid`, creationTimestamp: at(0), ...metadata },
    spec: {
      providerSpec: { value: { cloudProvider: "hetzner", operatingSystem: "ubuntu", size: "cx23", ...value } },
      versions: { kubelet: "1.36.2" },
    },
    ...rest,
  } as unknown as Machine;
}

function world() {
  const clock = createManualClock(START);
  const metrics = createMetrics({ clock, version: "1.2.3", leaseName: "machine-controller", workerCount: 5 });
  const caches = {
    machines: informerOf<Machine>("machines.cluster.k8s.io"),
    machineSets: informerOf<MachineSet>("machinesets.cluster.k8s.io"),
    machineDeployments: informerOf<MachineDeployment>("machinedeployments.cluster.k8s.io"),
  };
  let asked = 0;
  const provider = {
    machineMetricsLabels: ({ spec }: Machine) => {
      asked += 1;
      return { size: (spec.providerSpec?.value as { size?: string } | null)?.size ?? "", location: "" };
    },
  };
  const controller = createController({ name: "machine", concurrency: 5, clock, reconcile: async () => {} });
  const lead = () =>
    metrics.watch({
      informers: Object.values(caches),
      caches,
      controllers: [controller],
      providers: new Map([["hetzner", provider]]),
    } as unknown as Parameters<typeof metrics.watch>[0]);
  const samples = async (name: string): Promise<string[]> =>
    (await metrics.page()).text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return { clock, metrics, caches, lead, samples, asked: () => asked };
}

test("before it leads, a process tells of itself alone", async () => {
  const { metrics, samples } = world();
  assert.deepEqual(await samples("machine_controller_workers"), ["machine_controller_workers 0"]);
  assert.deepEqual(await samples("leader_election_master_status"), [
    'leader_election_master_status{name="machine-controller"} 0',
  ]);
  metrics.setLeading(true);
  assert.deepEqual(await samples("machine_controller_workers"), ["machine_controller_workers 5"]);
  assert.deepEqual(await samples("machine_controller_machines"), []);
  assert.match((await samples("machine_controller_build_info"))[0] ?? "", /version="1\.2\.3",node="/);
  assert.ok((await samples("nodejs_eventloop_lag_seconds")).length > 0);
});

test("Machines are counted by their labels, as they come, change and go, and without Machines there is a bare 0", async () => {
  const { caches, lead, samples, asked } = world();
  lead();
  const name = "machine_controller_machines_total";
  assert.deepEqual(await samples(name), [`${name} 0`]);
  caches.machines.put(machine("m1"));
  caches.machines.put(machine("m2"));
  const small = `${name}{kubelet_version="1.36.2",provider="hetzner",os="ubuntu",size="cx23"}`;
  assert.deepEqual(await samples(name), [`${small} 2`]);
  caches.machines.put(machine("m2", {}, { size: "cx33" }));
  caches.machines.remove(machine("m1"));
  assert.deepEqual(await samples(name), [`${small.replace("cx23", "cx33")} 1`]);
  caches.machines.put(machine("odd", { spec: { providerSpec: { value: null } } }));
  assert.deepEqual((await samples(name)).sort(), [`${name} 1`, `${small.replace("cx23", "cx33")} 1`]);
  caches.machines.remove(machine("odd"));
  caches.machines.remove(machine("m2"));
  assert.deepEqual(await samples(name), [`${name} 0`]);
  assert.equal(asked(), 3, "a scrape asks no provider");
});

test("Machines of one name in two namespaces share a sample, and the page stays one that Prometheus takes", async () => {
  const { caches, lead, samples, metrics } = world();
  lead();
  caches.machines.put(machine("twin", { metadata: { namespace: "a", uid: "1", creationTimestamp: at(60) } }));
  caches.machines.put(
    machine("twin", { metadata: { namespace: "b", uid: "2", creationTimestamp: at(30), deletionTimestamp: at(90) } }),
  );
  assert.deepEqual(await samples("machine_controller_machine_created"), [
    `machine_controller_machine_created{machine="twin"} ${START / 1_000 + 30}`,
  ]);
  assert.deepEqual(await samples("machine_controller_machine_deleted"), [
    `machine_controller_machine_deleted{machine="twin"} ${START / 1_000 + 90}`,
  ]);
  assert.deepEqual((await samples("machine_controller_machines{")).sort(), [
    'machine_controller_machines{namespace="a",provider="hetzner",state="provisioning"} 1',
    'machine_controller_machines{namespace="b",provider="hetzner",state="deleting"} 1',
  ]);
  const series = (await metrics.page()).text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const names = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
  assert.equal(new Set(names).size, names.length);
});

test("a Machine's way is timed stage by stage, once", async () => {
  const { clock, caches, lead, samples } = world();
  lead();
  const step = async (seconds: number, more: Record<string, unknown>) => {
    await clock.advance(START + seconds * 1_000 - clock.now());
    caches.machines.put(machine("m", more));
  };
  const annotations = {
    "machine-controller/create-intent": JSON.stringify({
      token: "t",
      attempt: 1,
      at: at(1),
      provider: "h",
      account: "a",
    }),
  };
  const recorded = {
    ...annotations,
    "machine-controller/instance": JSON.stringify({ id: "1", provider: "h", account: "a", attempt: 1, at: at(3) }),
  };
  const ready = (status: string) => ({
    metadata: { annotations: recorded },
    status: {
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeRef: { name: "m" },
      conditions: [{ type: "Ready", status }],
    },
  });
  await step(0, {});
  await step(1, { metadata: { annotations } });
  await step(3, { metadata: { annotations: recorded } });
  await step(4, {
    metadata: { annotations: recorded },
    status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }] },
  });
  await step(40, { ...ready("False"), metadata: { annotations: recorded } });
  for (const [seconds, status] of [
    [50, "True"],
    [60, "False"],
    [70, "True"],
  ] as const) {
    await step(seconds, ready(status));
  }
  const sums = (await samples("machine_controller_machine_stage_duration_seconds_sum")).map((line) =>
    line.replace(/.*stage="(\w+)".* (\S+)$/, "$1 $2"),
  );
  assert.deepEqual(sums, ["intent 1", "instance 2", "address 1", "joined 36", "ready 10"]);
  assert.deepEqual(await samples("machine_controller_provisioning_time_seconds_sum"), [
    "machine_controller_provisioning_time_seconds_sum 50",
  ]);
  assert.deepEqual(await samples("machine_controller_provisioning_time_seconds_count"), [
    "machine_controller_provisioning_time_seconds_count 1",
  ]);
  const buckets = (await samples("machine_controller_provisioning_time_seconds_bucket")).map(
    (line) => /le="([^"]+)"/.exec(line)?.[1],
  );
  assert.deepEqual(buckets, "32 48 72 108 162 243 364.5 546.75 820.125 1230.1875 +Inf".split(" "));

  const deleting = machine("m", { metadata: { deletionTimestamp: at(100) } });
  caches.machines.put(deleting);
  await clock.advance(START + 140_000 - clock.now());
  caches.machines.remove(deleting);
  assert.deepEqual(await samples("machine_controller_deprovisioning_time_seconds_sum"), [
    "machine_controller_deprovisioning_time_seconds_sum 40",
  ]);
});

test("what was reached before the process looked is not timed", async () => {
  const { caches, lead, samples } = world();
  lead();
  const joined = { status: { nodeRef: { name: "m" }, addresses: [{ type: "InternalIP", address: "10.0.0.1" }] } };
  caches.machines.put(machine("m", joined));
  caches.machines.put(machine("m", { status: { ...joined.status, conditions: [{ type: "Ready", status: "True" }] } }));
  assert.deepEqual(await samples("machine_controller_provisioning_time_seconds_count"), [
    "machine_controller_provisioning_time_seconds_count 0",
  ]);
});

test("replicas of MachineDeployments have the Go implementation's names", async () => {
  const { caches, lead, samples } = world();
  lead();
  caches.machineDeployments.put({
    metadata: { name: "workers", namespace: "a" },
    spec: { replicas: 4 },
    status: { replicas: 3, availableReplicas: 1, readyReplicas: 2, updatedReplicas: 3 },
  } as unknown as MachineDeployment);
  const labels = '{name="workers",namespace="a"}';
  for (const [figure, value] of Object.entries({
    replicas: 3,
    available_replicas: 1,
    ready_replicas: 2,
    updated_replicas: 3,
    desired_replicas: 4,
  })) {
    const name = `machine_deployment_${figure}`;
    assert.deepEqual(await samples(`${name}{`), [`${name}${labels} ${value}`]);
  }
});

test("work is counted and timed by what came of it", async () => {
  const { clock, metrics, samples } = world();
  const { around } = metrics;
  const pass = { kind: "reconcile", controller: "machine", key: "a/b", waitedMs: 100 } as const;
  await around(pass, () => clock.advance(2_000));
  await around(pass, async () => ({ requeueAfterMs: 5 }));
  await assert.rejects(around(pass, () => Promise.reject(new Error("no"))));
  assert.deepEqual((await samples("controller_runtime_reconcile_total")).sort(), [
    'controller_runtime_reconcile_total{controller="machine",result="error"} 1',
    'controller_runtime_reconcile_total{controller="machine",result="requeue_after"} 1',
    'controller_runtime_reconcile_total{controller="machine",result="success"} 1',
  ]);
  assert.deepEqual(await samples("controller_runtime_reconcile_time_seconds_sum"), [
    'controller_runtime_reconcile_time_seconds_sum{controller="machine"} 2',
  ]);
  const worked = "workqueue_work_duration_seconds";
  assert.deepEqual(await samples(`${worked}_sum`), [`${worked}_sum{name="machine",controller="machine"} 2`]);
  assert.match((await samples(`${worked}_bucket{le="1000"`))[0] ?? "", / 3$/);
  assert.deepEqual(await samples("machine_controller_errors_total"), ["machine_controller_errors_total 1"]);

  const operation = { kind: "cloud-operation", provider: "hetzner", operation: "create", machine: "a/b" } as const;
  await assert.rejects(around(operation, () => Promise.reject(new ProviderError("RateLimited", "wait"))));
  assert.match(
    (await samples("machine_controller_cloud_operation_duration_seconds_count"))[0] ?? "",
    /\{provider="hetzner",operation="create",code="RateLimited"\} 1$/,
  );
  const request = { kind: "api-request", verb: "list", resource: "nodes", method: "GET", host: "api:6443" } as const;
  await around(request, async () => new Response(null, { status: 429 }));
  assert.deepEqual(await samples("rest_client_requests_total"), [
    'rest_client_requests_total{code="429",method="GET",host="api:6443"} 1',
  ]);
});

test("queues, workers and watches have controller-runtime's and client-go's names", async () => {
  const { lead, samples } = world();
  lead();
  for (const figure of ["depth", "adds_total", "retries_total", "unfinished_work_seconds"]) {
    const name = `workqueue_${figure}`;
    assert.deepEqual(await samples(name), [`${name}{name="machine",controller="machine"} 0`]);
  }
  assert.deepEqual(await samples("controller_runtime_max_concurrent_reconciles"), [
    'controller_runtime_max_concurrent_reconciles{controller="machine"} 5',
  ]);
  assert.equal((await samples("machine_controller_informer_watches_total")).length, 3);
});

test("orphans are counted by provider, and one that has none any more stays, with 0", async () => {
  const { metrics, samples } = world();
  metrics.setOrphans([{ provider: "hetzner" }, { provider: "hetzner" }]);
  assert.deepEqual(await samples("machine_controller_orphans"), ['machine_controller_orphans{provider="hetzner"} 2']);
  metrics.setOrphans([]);
  assert.deepEqual(await samples("machine_controller_orphans"), ['machine_controller_orphans{provider="hetzner"} 0']);
});
