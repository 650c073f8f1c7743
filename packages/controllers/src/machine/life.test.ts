// Histories of Machines without a broken wire: what people, other controllers and other clouds' instances do to them.
import {
  ANNOTATION_ABANDON,
  ANNOTATION_CREATE_INTENT,
  ANNOTATION_INITIALIZERS,
  ANNOTATION_INSTANCE,
  FINALIZER_INSTANCE,
  FINALIZER_NODE,
  FINALIZER_RED_HAT,
  LABEL_NODE_OWNER,
} from "@machine-controller/api/well-known";
import { coreResources, type Node } from "@machine-controller/kube-client";
import { ProviderError } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machines } from "../resources.ts";
import { createWorld, machineManifest, nodeManifest, type World } from "../testing/world.ts";

const { nodes, pods } = coreResources;
const OURS = [FINALIZER_INSTANCE, FINALIZER_NODE];

const conditionOf = (world: World, type: string, name = "m") =>
  world.machine(name)?.status?.conditions?.find((condition) => condition.type === type);
const isReady = (world: World, name = "m"): boolean => conditionOf(world, "Ready", name)?.status === "True";
const count = (world: World, call: string): number => world.faults.calls.filter((name) => name === call).length;
const providerSpec = (cloudProvider: string): object => ({
  spec: { providerSpec: { value: { cloudProvider } }, versions: { kubelet: "1.36.2" } },
});

async function readyWorld(options: Parameters<typeof createWorld>[0] = {}): Promise<World> {
  const world = await createWorld(options);
  world.addMachine();
  await world.until(() => isReady(world));
  return world;
}

test("a life is four writes: intent, record, Node, status", async () => {
  const world = await readyWorld();
  await world.pass(600_000);
  assert.deepEqual(
    world.faults.calls.filter((call) => !call.startsWith("cloud")),
    ["patch machines", "patch machines", "patch nodes", "patch machines"],
  );
  assert.deepEqual(
    world.events.map(({ reason }) => reason),
    ["Created"],
  );
  assert.equal(world.machine()?.status?.phase, "Running");
  assert.equal(world.machine()?.status?.nodeRef?.uid, world.node()?.metadata.uid);
});

test("a Machine of the Go implementation whose instance exists is adopted, not made again", async () => {
  const world = await createWorld();
  const { uid } = world.addMachine({ metadata: { finalizers: OURS } }).metadata;
  await world.stop();
  world.cloud.add({ name: "m", machineUid: uid });
  await world.restart();
  await world.until(() => isReady(world));
  assert.equal(world.cloud.calls["create"] ?? 0, 0);
  assert.ok(world.machine()?.metadata.annotations?.[ANNOTATION_CREATE_INTENT]);
  assert.equal(world.events[0]?.reason, "InstanceAdopted");
});

test("a Machine of the Go implementation without an instance gets one, once no request of the former can land", async () => {
  for (const kind of ["unique-name", "tag-scan"] as const) {
    const world = await createWorld({ idempotency: { class: kind, settleMs: 10_000, consistencyMs: 3_000 } });
    const started = world.clock.now();
    world.addMachine({ metadata: { finalizers: OURS } });
    await world.until(() => world.cloud.calls["create"] === 1);
    assert.equal(world.clock.now() - started >= 10_000, kind === "tag-scan");
    await world.stop();
  }
});

test("a Machine of the Go implementation that is deleted goes once its instance cannot show up any more", async () => {
  const world = await createWorld();
  const { uid } = world.addMachine({ metadata: { finalizers: OURS } }).metadata;
  world.cluster.remove(machines, "m");
  await world.pass(8_000);
  world.cloud.add({ name: "m", machineUid: uid });
  await world.until(() => world.machine() === undefined);
  assert.deepEqual([...world.cloud.violations], []);
  assert.equal(world.cloud.vms().length, 0);
});

test("a name that belongs to someone else is an error that stays, without a storm", async () => {
  const world = await createWorld();
  world.cloud.add({ name: "m" });
  world.addMachine();
  await world.until(() => world.machine()?.status?.errorReason === "InvalidConfiguration");
  await world.pass(60_000);
  const before = world.faults.calls.length;
  await world.pass(3_600_000);
  assert.ok(world.faults.calls.length - before < 40, `${world.faults.calls.length - before} calls an hour`);
  assert.ok(world.events.length <= 2);
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined);
  assert.equal(world.cloud.vms().length, 1, "someone else's instance stays");
});

test("of two Machines with one spec.metadata.name one gets the instance and the other an explanation", async () => {
  const world = await createWorld();
  const { spec } = machineManifest() as { spec: object };
  for (const name of ["a", "b"])
    world.addMachine({ metadata: { name }, spec: { ...spec, metadata: { name: "same" } } });
  await world.until(() => isReady(world, "a") || isReady(world, "b"));
  await world.pass(60_000);
  const loser = isReady(world, "a") ? "b" : "a";
  assert.equal(world.machine(loser)?.status?.errorReason, "InvalidConfiguration");
  world.cluster.remove(machines, loser);
  await world.until(() => world.machine(loser) === undefined);
  assert.equal(world.cloud.vms().length, 1);
  assert.ok(world.node("same"), "the winner's Node stays");
});

test("a cloud that is sold out is asked ever more rarely, and tells when it is over", async () => {
  const world = await createWorld();
  world.cloud.failures.set("create", new ProviderError("InsufficientResources", "sold out"));
  world.addMachine();
  await world.pass(3_600_000);
  assert.equal(world.machine()?.status?.errorReason, "InsufficientResources");
  assert.ok((world.cloud.calls["create"] ?? 0) < 30, `${world.cloud.calls["create"]} tries an hour`);
  assert.equal(world.events.length, 1);
  world.cloud.failures.clear();
  await world.until(() => isReady(world), 600_000);
  assert.equal(world.machine()?.status?.errorReason, undefined);
});

test("a failure is over soon after the Secret that it may come from changes, and nothing is hammered until then", async () => {
  const world = await createWorld();
  const secret = (token: string): object =>
    world.cluster.put(coreResources.secrets, { metadata: { name: "cloud" }, data: { token: btoa(token) } });
  secret("old");
  world.cloud.failures.set("*", new ProviderError("Unauthorized", "the token is refused"));
  const token = { secretKeyRef: { namespace: "kube-system", name: "cloud", key: "token" } };
  const value = { cloudProvider: "fake", cloudProviderSpec: { token }, operatingSystem: "ubuntu" };
  world.addMachine({ spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } } });
  await world.pass(1_800_000);
  const asked = (): number => count(world, "cloud account");
  const before = asked();
  await world.pass(240_000);
  assert.ok(asked() - before <= 1, `${asked() - before} calls in four minutes`);
  assert.ok(count(world, "get secrets") <= 90, `${count(world, "get secrets")} reads`);
  world.cloud.failures.clear();
  secret("new");
  await world.until(() => isReady(world), 60_000);
});

test("user data that is missing is told while it is, and not after", async () => {
  const world = await createWorld();
  world.userData = { missing: "Secret x does not exist yet" };
  world.addMachine();
  await world.pass(10_000);
  assert.equal(conditionOf(world, "BootstrapReady")?.status, "False");
  assert.equal(count(world, "patch machines"), 1);
  world.userData = { text: "#cloud-config" };
  world.userDataChanged();
  await world.pass(1_000);
  assert.equal(world.cloud.vms().length, 1, "at once, not at the next look");
  await world.until(() => isReady(world));
  assert.equal(conditionOf(world, "BootstrapReady")?.status, "True");
});

test("a paused Machine gets nothing new, and is deleted all the same", async () => {
  const world = await createWorld();
  world.addMachine({ metadata: { annotations: { [ANNOTATION_INITIALIZERS]: "someone" } } });
  await world.pass(30_000);
  assert.deepEqual(world.faults.calls, []);
  world.cluster.put(machines, { metadata: { name: "m", annotations: { [ANNOTATION_INITIALIZERS]: null } } });
  await world.until(() => isReady(world));
  world.cluster.put(machines, { metadata: { name: "m", annotations: { [ANNOTATION_INITIALIZERS]: "again" } } });
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined);
  assert.equal(world.cloud.vms().length, 0);
});

test("a Machine that nothing was made for goes at once, whatever its spec says", async () => {
  const world = await createWorld();
  world.addMachine(providerSpec("nonsense"));
  await world.until(() => world.machine()?.status?.phase === "Failed");
  world.cluster.remove(machines, "m");
  await world.pass(500);
  assert.equal(world.machine(), undefined);
});

test("a Machine whose spec was broken later keeps its instance, says the way out, and goes when it is mended or given up", async () => {
  for (const way of ["mend", "abandon"] as const) {
    const world = await readyWorld();
    world.cluster.put(machines, { metadata: { name: "m" }, ...providerSpec("nonsense") });
    world.cluster.remove(machines, "m");
    await world.pass(120_000);
    assert.match(conditionOf(world, "InstanceDeleted")?.message ?? "", new RegExp(`${ANNOTATION_ABANDON}=true`));
    assert.equal(world.cloud.vms().length, 1);
    if (way === "mend") world.cluster.put(machines, { metadata: { name: "m" }, ...providerSpec("fake") });
    else world.cluster.put(machines, { metadata: { name: "m", annotations: { [ANNOTATION_ABANDON]: "true" } } });
    await world.until(() => world.machine() === undefined);
    assert.equal(world.cloud.vms().length, way === "mend" ? 0 : 1);
    await world.stop();
  }
});

test("a damaged record stops a Machine: nothing is made, deleted or asked", async () => {
  const world = await readyWorld();
  world.cluster.put(machines, { metadata: { name: "m", annotations: { [ANNOTATION_INSTANCE]: "{" } } });
  await world.until(() => world.machine()?.status?.errorReason !== undefined);
  assert.match(world.machine()?.status?.errorMessage ?? "", /is not a record/);
  world.cluster.remove(machines, "m");
  await world.pass(60_000);
  assert.equal(world.cloud.vms().length, 1);
  assert.equal(world.machine()?.metadata.annotations?.[ANNOTATION_INSTANCE], "{");
  assert.equal(world.cloud.calls["cleanup"] ?? 0, 0);
});

test("a Machine whose cloud was swapped in its spec is not sought in the other cloud", async () => {
  const world = await readyWorld();
  const { metadata } = world.machine() ?? {};
  const record = JSON.parse(metadata?.annotations?.[ANNOTATION_INSTANCE] ?? "{}") as object;
  const annotations = { [ANNOTATION_INSTANCE]: JSON.stringify({ ...record, provider: "elsewhere" }) };
  world.cluster.put(machines, { metadata: { name: "m", annotations } });
  await world.until(() => /put it back/.test(conditionOf(world, "InstanceReady")?.message ?? ""));
  world.cluster.remove(machines, "m");
  await world.pass(60_000);
  assert.match(conditionOf(world, "InstanceDeleted")?.message ?? "", /is one of elsewhere.*put it back/);
  assert.equal(world.cloud.calls["cleanup"] ?? 0, 0);
});

test("an instance whose creation was not answered is found and recorded once", async () => {
  const world = await createWorld();
  world.faults.plan = (_n, call) => (call === "cloud create" && count(world, call) === 1 ? "lost reply" : undefined);
  world.addMachine();
  await world.until(() => isReady(world));
  assert.equal(world.cloud.vms().length, 1);
  assert.deepEqual([...world.cloud.violations], []);
});

test("a Node that is deleted by hand and joins again is taken back", async () => {
  const world = await readyWorld();
  const before = world.node()?.metadata.uid;
  world.joins = false;
  world.cluster.remove(nodes, "m");
  await world.until(() => world.machine()?.status?.nodeRef === undefined);
  world.joins = true;
  await world.until(() => isReady(world));
  assert.notEqual(world.machine()?.status?.nodeRef?.uid, before);
  assert.equal(world.machine()?.status?.nodeRef?.uid, world.node()?.metadata.uid);
  assert.equal(world.cloud.calls["create"], 1);
});

test("a foreign Node that got the address of a lost instance is neither taken nor drained nor deleted", async () => {
  const world = await readyWorld();
  const [vm] = world.cloud.vms();
  world.joins = false;
  world.cluster.remove(nodes, "m");
  const foreign = nodeManifest("foreign", { machineUid: "", address: vm?.address ?? "" });
  world.cluster.put(nodes, { ...foreign, spec: { providerID: "elsewhere://1" } });
  world.cluster.put(pods, { metadata: { name: "p" }, spec: { nodeName: "foreign" } });
  await world.pass(30_000);
  assert.equal(world.machine()?.status?.nodeRef, undefined);
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined);
  const node = world.node("foreign");
  assert.equal(node?.metadata.labels?.[LABEL_NODE_OWNER], undefined);
  assert.equal(node?.spec?.unschedulable, undefined);
  assert.equal(world.cluster.list(pods).length, 1);
});

test("a Node that joined just before its Machine is deleted goes with it, labelled or not", async () => {
  const world = await createWorld();
  world.joins = false;
  const { uid } = world.addMachine().metadata;
  await world.until(() => world.cloud.vms().length === 1);
  await world.stop();
  world.cluster.put(nodes, nodeManifest("m", { machineUid: uid ?? "", address: "10.0.0.1" }));
  world.cluster.remove(machines, "m");
  await world.restart();
  await world.until(() => world.machine() === undefined);
  assert.equal(world.node(), undefined);
});

test("a NotReady Node whose message counts the seconds costs no writes", async () => {
  const world = await readyWorld();
  world.joins = false;
  const say = (seconds: number): Node =>
    world.cluster.put(nodes, {
      metadata: { name: "m" },
      status: {
        conditions: [{ type: "Ready", status: "False", reason: "KubeletNotReady", message: `for ${seconds} s` }],
      },
    });
  say(0);
  await world.pass(2_000);
  const before = count(world, "patch machines");
  for (let seconds = 10; seconds < 300; seconds += 10) {
    say(seconds);
    await world.pass(10_000);
  }
  assert.equal(count(world, "patch machines"), before);
});

test("a Machine whose last finalizer is gone is not written to again, however long it still shows", async () => {
  const world = await readyWorld();
  await world.pass(60_000);
  world.cluster.remove(machines, "m");
  const before = count(world, "patch machines");
  await world.pass(500);
  world.cluster.hold(machines);
  await world.pass(30_000);
  assert.equal(world.machine(), undefined);
  assert.equal(count(world, "patch machines") - before, 1);
  assert.deepEqual(world.errors, []);
});

test("a Machine deleted soon after its creation loses instance and Node at once, and takes a late copy along", async () => {
  const world = await readyWorld();
  const { uid } = world.machine()?.metadata ?? {};
  world.cluster.remove(machines, "m");
  await world.until(() => world.node() === undefined, 5_000);
  assert.equal(world.cloud.vms().length, 0);
  world.cloud.add({ name: "m", machineUid: uid });
  await world.until(() => world.machine() === undefined);
  assert.equal(world.cloud.vms().length, 0);
  assert.deepEqual([...world.cloud.violations], []);
});

test("a refused creation may have a copy that is not: its Machine is let go once that can be no more", async () => {
  const world = await createWorld();
  world.cloud.failures.set("create", new ProviderError("InsufficientResources", "sold out"));
  const { uid } = world.addMachine().metadata;
  await world.until(() => (world.cloud.calls["create"] ?? 0) > 0);
  world.cluster.remove(machines, "m");
  await world.pass(5_000);
  world.cloud.add({ name: "m", machineUid: uid });
  await world.until(() => world.machine() === undefined);
  assert.equal(world.cloud.vms().length, 0);
});

test("a deletion that waits for what an earlier process may have asked for says so", async () => {
  const world = await createWorld({ idempotency: { class: "unique-name", settleMs: 30_000, consistencyMs: 2_000 } });
  world.cloud.failures.set("create", new ProviderError("UnknownOutcome", "no answer"));
  world.addMachine();
  await world.until(() => (world.cloud.calls["create"] ?? 0) > 0);
  await world.restart();
  world.cluster.remove(machines, "m");
  await world.pass(5_000);
  assert.match(conditionOf(world, "InstanceDeleted")?.message ?? "", /until 2030-.*an earlier request/);
  await world.until(() => world.machine() === undefined, 40_000);
});

test("what a Machine is about, and how it goes, stands in its status", async () => {
  const world = await createWorld();
  const operation = () => world.machine()?.status?.lastOperation;
  world.joins = false;
  world.addMachine();
  await world.until(() => world.cloud.vms().length === 1);
  assert.deepEqual([operation()?.type, operation()?.state], ["Create", "Processing"]);
  assert.equal(conditionOf(world, "BootstrapReady")?.status, "True");
  assert.equal(operation()?.description, "No Node has joined for this Machine.");
  world.joins = true;
  await world.until(() => isReady(world));
  assert.deepEqual([operation()?.type, operation()?.state, operation()?.description], ["Create", "Successful", ""]);
  world.cloud.failures.set("cleanup", new ProviderError("Unauthorized", "the token is refused"));
  world.cluster.remove(machines, "m");
  await world.until(() => operation()?.state === "Failed");
  assert.equal(operation()?.type, "Delete");
  assert.match(operation()?.description ?? "", /the token is refused/);
});

test("a failure that bears another request ID every time is written once", async () => {
  const world = await createWorld();
  let tries = 0;
  world.cloud.failures.set("create", new ProviderError("InsufficientResources", "sold out"));
  world.addMachine();
  await world.until(() => world.machine()?.status?.errorReason !== undefined);
  for (; tries < 20; tries += 1) {
    const id = `${String(tries).padStart(8, "0")}-0000-4000-8000-000000000000`;
    world.cloud.failures.set("create", new ProviderError("InsufficientResources", `sold out (request ${id})`));
    await world.pass(60_000);
  }
  assert.equal(count(world, "patch machines"), 3, "the intent, and two messages");
  assert.equal(world.events.length, 2);
});

const redHat = (operatingSystemSpec: object): object => {
  const value = { cloudProvider: "fake", cloudProviderSpec: {}, operatingSystem: "rhel", operatingSystemSpec };
  return { spec: { providerSpec: { value }, versions: { kubelet: "1.36.2" } } };
};
const REGISTERED = redHat({ rhsmOfflineToken: "token" });

test("a RHEL system is taken out of its subscription before its instance goes", async () => {
  const world = await createWorld();
  world.addMachine(REGISTERED);
  await world.until(() => isReady(world));
  assert.ok(world.machine()?.metadata.finalizers?.includes(FINALIZER_RED_HAT));
  const before = world.faults.calls.length;
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined);
  const calls = world.faults.calls.slice(before);
  assert.equal(calls.filter((call) => call === "unregister").length, 1);
  assert.ok(calls.indexOf("unregister") < calls.indexOf("cloud cleanup"));
});

test("a subscription that cannot be reached holds the instance for a while, says so, and is left to a person", async () => {
  const world = await createWorld();
  world.registrationProblem = "it answered DELETE with 503";
  world.addMachine(REGISTERED);
  await world.until(() => isReady(world));
  world.cluster.remove(machines, "m");
  await world.pass(60_000);
  await world.restart();
  await world.pass(60_000);
  assert.equal(world.cloud.vms().length, 1);
  const { status, message = "" } = conditionOf(world, "Unregistered") ?? {};
  assert.equal(status, "False");
  assert.match(message, /answered DELETE with 503; the instance goes without that at 2030-/);
  assert.ok(count(world, "unregister") < 40, `${count(world, "unregister")} tries in two minutes`);
  await world.until(() => world.machine() === undefined, 600_000);
  assert.equal(world.cloud.vms().length, 0);
  const { reason, message: told = "" } = world.events.at(-1) ?? {};
  assert.equal(reason, "NotUnregistered");
  assert.match(told, /remove it there by hand/);
});

test("a RHEL Machine of the Go implementation that is registered nowhere goes at once", async () => {
  const world = await createWorld();
  world.addMachine({ ...redHat({}), metadata: { finalizers: [...OURS, FINALIZER_RED_HAT] } });
  await world.until(() => isReady(world));
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined, 10_000);
});

test("a KubeVirt instance that was shut down is deleted and made anew under the same Machine", async () => {
  const world = await createWorld({ machine: { externalCloudProvider: true }, provider: "kubevirt" });
  world.addMachine(providerSpec("kubevirt"));
  await world.until(() => isReady(world));
  world.joins = false;
  const taint = { key: "node.cloudprovider.kubernetes.io/shutdown", effect: "NoSchedule" };
  const status = { conditions: [{ type: "Ready", status: "False" }] };
  world.cluster.put(nodes, { metadata: { name: "m" }, spec: { taints: [taint] }, status });
  await world.until(() => world.cloud.vms().length === 0);
  await world.pass(60_000);
  assert.equal(world.cloud.calls["create"], 1, "not before the cloud-controller-manager has removed the Node");
  world.cluster.remove(nodes, "m");
  world.joins = true;
  await world.until(() => isReady(world) && world.cloud.calls["create"] === 2);
  assert.equal(world.events.at(-2)?.reason, "InstanceLost");
});

test("a Machine that is gone leaves nothing behind in memory, and one of the same name begins anew", async () => {
  const world = await readyWorld();
  world.cluster.remove(machines, "m");
  await world.until(() => world.machine() === undefined);
  world.addMachine();
  await world.until(() => isReady(world));
  assert.equal(world.cloud.calls["create"], 2);
  assert.deepEqual([...world.cloud.violations], []);
});

test("a deletion says that it waits for a cloud that takes its time, and costs no more writes where none does", async () => {
  for (const deletionMs of [2_000, 60_000]) {
    const world = await readyWorld();
    world.cloud.deletionMs = deletionMs;
    // Requests of its creation have had their effect by then.
    await world.pass(60_000);
    world.cluster.remove(machines, "m");
    const before = count(world, "patch machines");
    await world.pass(15_000);
    const conditions = ["InstanceDeleted", "Ready"].map((type) => conditionOf(world, type));
    if (deletionMs > 15_000) {
      assert.match(conditions[0]?.message ?? "", /^The cloud is deleting instance \d+\.$/);
      assert.deepEqual([conditions[1]?.status, conditions[1]?.reason], ["False", "Deleting"]);
      assert.equal(world.machine()?.status?.phase, "Deleting");
    }
    await world.until(() => world.machine() === undefined);
    assert.equal(count(world, "patch machines") - before, deletionMs > 15_000 ? 2 : 1);
    await world.stop();
  }
});
