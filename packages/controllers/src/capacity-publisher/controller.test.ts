import { ANNOTATION_AUTOSCALER_MAX_SIZE, ANNOTATION_PREFIX_CAPACITY } from "@machine-controller/api/well-known";
import { ProviderError } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineDeployments, machineSets } from "../resources.ts";
import { createWorld, machineManifest, type World } from "../testing/world.ts";

const KUBELET = "v1.kubelet-config.machine-controller.kubermatic.io";

function add(
  world: World,
  object: { annotations?: object; spec?: object; template?: object; kind?: string; owned?: boolean } = {},
): void {
  const { spec } = machineManifest() as { spec: object };
  const { kind = "MachineDeployment", annotations = { [ANNOTATION_AUTOSCALER_MAX_SIZE]: "5" }, owned = false } = object;
  const owner = {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "MachineDeployment",
    name: "d",
    uid: "d",
    controller: true,
  };
  const pool = {
    kind,
    metadata: { name: "pool", annotations, ...(owned && { ownerReferences: [owner] }) },
    spec: {
      replicas: 0,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" }, ...object.template }, spec: { ...spec, ...object.spec } },
    },
  };
  if (kind === "MachineSet") world.cluster.put(machineSets, pool);
  else world.cluster.put(machineDeployments, pool);
}
function capacity({ cluster }: World): Record<string, string> {
  const object = cluster.get(machineDeployments, "pool") ?? cluster.get(machineSets, "pool");
  const all = Object.entries(object?.metadata.annotations ?? {});
  const told = all.filter(([key]) => key.startsWith(ANNOTATION_PREFIX_CAPACITY));
  return Object.fromEntries(told.map(([key, value]) => [key.slice(ANNOTATION_PREFIX_CAPACITY.length + 1), value]));
}
const start = (externalCloudProvider = false): Promise<World> =>
  createWorld({ controllers: ["capacity-publisher"], machine: { externalCloudProvider } });

test("a MachineDeployment that the autoscaler may scale says what a Node of it has for pods", async () => {
  const world = await start(true);
  add(world, {
    spec: {
      metadata: { labels: { pool: "gpu" } },
      taints: [
        { key: "gpu", effect: "NoSchedule" },
        { key: "team", value: "a", effect: "NoExecute" },
      ],
    },
    template: { annotations: { [`${KUBELET}/MaxPods`]: "50", [`${KUBELET}/KubeReserved`]: "cpu=1,memory=1Gi" } },
  });
  await world.pass(1_000);
  assert.deepEqual(capacity(world), {
    cpu: "2800m", // 4 - 1 - 0.2
    memory: "6253Mi", // 8192 × 0.925 - 1024 - 200 - 100
    "ephemeral-disk": "72704Mi", // 81920 × 0.9 - 1024
    maxPods: "50",
    "gpu-count": "1",
    "gpu-type": "nvidia.com/gpu",
    labels:
      "kubernetes.io/arch=arm64,kubernetes.io/os=linux,node.kubernetes.io/instance-type=small,pool=gpu," +
      "v1.machine-controller.kubermatic.io/operating-system=ubuntu",
    taints: "gpu=:NoSchedule,team=a:NoExecute",
  });
  await world.pass(600_000);
  assert.deepEqual(world.faults.calls, ["cloud capacityOf", "patch machinedeployments"]);
});

test("labels that only a cloud-controller-manager gives are not promised without one", async () => {
  const world = await start();
  add(world);
  await world.pass(1_000);
  assert.doesNotMatch(capacity(world)["labels"] ?? "", /instance-type/);
});

test("it follows the template, and takes back what no longer holds", async () => {
  const world = await start();
  add(world, { spec: { taints: [{ key: "t", effect: "NoSchedule" }] } });
  await world.pass(1_000);
  world.cluster.put(machineDeployments, {
    metadata: { name: "pool" },
    spec: { template: { spec: { taints: null, versions: { kubelet: "1.36.3" } } } },
  });
  await world.pass(1_000);
  assert.equal(capacity(world)["taints"], undefined);
  assert.equal(capacity(world)["cpu"], "3600m", "a kubelet version changes no size");
  world.cluster.put(machineDeployments, {
    metadata: { name: "pool" },
    spec: { template: { spec: { providerSpec: { value: { cloudProviderSpec: { size: "large" } } } } } },
  });
  await world.pass(1_000);
  assert.equal(capacity(world)["cpu"], "7600m");
});

test("values of a person stay, across restarts too", async () => {
  const world = await start();
  const own = { [`${ANNOTATION_PREFIX_CAPACITY}/memory`]: "1Gi" };
  add(world, { annotations: { [ANNOTATION_AUTOSCALER_MAX_SIZE]: "5", ...own } });
  await world.pass(1_000);
  assert.equal(capacity(world)["memory"], "1Gi");
  assert.equal(capacity(world)["cpu"], "3600m");
  world.cluster.put(machineDeployments, {
    metadata: { name: "pool", annotations: { [`${ANNOTATION_PREFIX_CAPACITY}/cpu`]: "1" } },
  });
  await world.restart();
  await world.pass(1_000);
  assert.equal(capacity(world)["cpu"], "1");
  assert.deepEqual(world.cluster.noops, []);
  assert.equal(world.faults.calls.filter((call) => call.startsWith("patch")).length, 1);
});

for (const [name, object, isTold] of [
  ["a MachineDeployment without size bounds", { annotations: {} }, false],
  ["a MachineSet of its own", { kind: "MachineSet" }, true],
  ["a MachineSet of a MachineDeployment", { kind: "MachineSet", owned: true }, false],
] as const) {
  test(`${name} is ${isTold ? "told" : "left alone, and the cloud is not asked"}`, async () => {
    const world = await start();
    add(world, object);
    await world.pass(10_000);
    assert.equal(capacity(world)["cpu"] !== undefined, isTold);
    assert.equal((world.cloud.calls["capacityOf"] ?? 0) > 0, isTold);
  });
}

test("a cloud that cannot be asked is asked again, rarely", async () => {
  const world = await start();
  world.cloud.failures.set("capacityOf", new ProviderError("Unauthorized", "the token is refused"));
  add(world);
  await world.pass(3_600_000);
  assert.ok((world.cloud.calls["capacityOf"] ?? 0) <= 13, `${world.cloud.calls["capacityOf"]} calls an hour`);
  world.cloud.failures.clear();
  await world.until(() => capacity(world)["cpu"] !== undefined, 600_000);
  assert.deepEqual(world.errors, []);
});
