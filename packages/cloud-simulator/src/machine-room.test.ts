import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createVirtualClock, type VirtualClock } from "./clock.ts";
import { createMachineRoom, type MachineRoom } from "./machine-room.ts";
import { openRecords, type Records } from "./records.ts";
import {
  createSimulatedCluster,
  joiningUserData,
  type SimulatedCluster,
  type StoredObject,
} from "./simulated-cluster.fixture.ts";

const NODE = "/api/v1/nodes/node-1";
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";
const START = Date.parse("2026-01-01T00:00:00Z");

type World = {
  cluster: SimulatedCluster;
  clock: VirtualClock;
  room: MachineRoom;
  records: Records;
  console: () => string;
  stop: () => Promise<void>;
};

function createWorld(shared: { records?: Records; cluster?: SimulatedCluster; clock?: VirtualClock } = {}): World {
  const { records = openRecords(":memory:"), cluster = createSimulatedCluster() } = shared;
  const clock = shared.clock ?? createVirtualClock(START);
  let drawn = 0;
  const bytes = (count: number): Uint8Array =>
    createHash("shake256", { outputLength: count })
      .update(String((drawn += 1)))
      .digest();
  const timing = { bootMs: 1000, readyMs: 500 };
  const room = createMachineRoom({ records, clock, random: { bytes }, connect: cluster.connect, timing });
  const abort = new AbortController();
  const running = room.run(abort.signal);
  return {
    cluster,
    clock,
    room,
    records,
    console: () => (room.get("1")?.console ?? []).join("\n"),
    async stop() {
      abort.abort();
      await running;
    },
  };
}

function addMachine({ room }: World, userData: string): void {
  room.add({
    id: "1",
    name: "cloud-name",
    userData,
    addresses: [
      { type: "ExternalIP", address: "198.18.0.1" },
      { type: "InternalIP", address: "10.0.0.2" },
    ],
    cpus: 2,
    memoryMiB: 4096,
    diskGiB: 40,
    architecture: "amd64",
    osImage: "Ubuntu 24.04",
  });
  room.powerOn("1");
}

/** What a machine with this user data says in its first five seconds. */
async function boot(world: World, userData: string): Promise<string> {
  addMachine(world, userData);
  await world.clock.advance(5000);
  await world.stop();
  return world.console();
}

type Node = {
  metadata: { labels: Record<string, string> };
  spec: object;
  status: {
    addresses: object[];
    capacity: object;
    conditions: { type: string; status: string }[];
    nodeInfo: { kubeletVersion: string };
  };
};

function nodeOf({ objects }: SimulatedCluster): Node {
  const node = objects.get(NODE);
  assert.ok(node, "the machine did not join");
  return node as unknown as Node;
}

function readyOf(cluster: SimulatedCluster): string | undefined {
  return nodeOf(cluster).status.conditions.find(({ type }) => type === "Ready")?.status;
}

function renewedAt({ objects }: SimulatedCluster): number {
  const { spec } = objects.get(LEASE) as unknown as { spec: { renewTime: string } };
  return Date.parse(spec.renewTime);
}

describe("a machine with right user data", () => {
  test("joins under its name with the flags of its kubelet and becomes Ready", async () => {
    const world = createWorld();
    const console = await boot(world, joiningUserData());
    const { spec, status, metadata } = nodeOf(world.cluster);
    assert.deepEqual(spec, { providerID: "cloud://7", taints: [{ key: "t", value: "v", effect: "NoSchedule" }] });
    assert.deepEqual(metadata.labels, {
      a: "b",
      "beta.kubernetes.io/arch": "amd64",
      "beta.kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "kubernetes.io/hostname": "node-1",
      "kubernetes.io/os": "linux",
    });
    assert.equal(status.nodeInfo.kubeletVersion, "v1.33.4");
    assert.deepEqual(status.addresses, [
      { type: "InternalIP", address: "10.0.0.2" },
      { type: "ExternalIP", address: "198.18.0.1" },
      { type: "Hostname", address: "node-1" },
    ]);
    assert.deepEqual(status.capacity, {
      cpu: "2",
      memory: "4194304Ki",
      "ephemeral-storage": "41943040Ki",
      pods: "110",
    });
    assert.equal(readyOf(world.cluster), "True");
    assert.match(console, /node node-1 is Ready/);
  });

  test("is the same when the user data comes gzipped", async () => {
    const world = createWorld();
    await boot(world, gzipSync(joiningUserData()).toString("base64"));
    assert.equal(readyOf(world.cluster), "True");
  });

  test("renews its Lease every ten seconds until it is removed", async () => {
    const world = createWorld();
    addMachine(world, joiningUserData());
    for (let minute = 0; minute < 3; minute += 1) {
      await world.clock.advance(60_000);
      assert.ok(world.clock.now() - renewedAt(world.cluster) < 11_000);
    }
    world.room.remove("1");
    const last = world.cluster.requests.length;
    await world.clock.advance(60_000);
    assert.equal(world.cluster.requests.length, last);
    await world.stop();
  });

  test("adopts a Node of its name that exists already", async () => {
    const world = createWorld();
    world.cluster.objects.set(NODE, { metadata: { name: "node-1", uid: "before", annotations: { kept: "yes" } } });
    await boot(world, joiningUserData());
    assert.equal(readyOf(world.cluster), "True");
    assert.equal(world.cluster.objects.get(NODE)?.metadata["uid"], "before");
  });

  test("does not register again when its Node is deleted, until it is rebooted", async () => {
    const world = createWorld();
    addMachine(world, joiningUserData());
    await world.clock.advance(10_000);
    world.cluster.objects.delete(NODE);
    world.cluster.objects.delete(LEASE);
    await world.clock.advance(600_000);
    assert.equal(world.cluster.objects.has(NODE), false);
    assert.equal(world.cluster.objects.has(LEASE), false);
    world.room.powerOff("1");
    world.room.powerOn("1");
    await world.clock.advance(10_000);
    assert.equal(readyOf(world.cluster), "True");
    assert.equal(world.console().match(/cloud-init: wrote/g)?.length, 1);
    const bootstraps = world.cluster.requests.filter(
      (request) => request.startsWith("POST") && request.includes("signing"),
    );
    assert.equal(bootstraps.length, 1);
    await world.stop();
  });

  test("goes on with its certificate after the simulator was killed, also when the token is gone", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "machine-room-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "cloud.db");
    const before = createWorld({ records: openRecords(file) });
    addMachine(before, joiningUserData());
    await before.clock.advance(20_000);
    await before.stop();
    const { cluster, clock } = before;
    cluster.tokens.clear();
    cluster.requests.length = 0;

    const after = createWorld({ records: openRecords(file), cluster, clock });
    await clock.advance(120_000);
    assert.ok(clock.now() - renewedAt(cluster) < 11_000);
    assert.deepEqual(
      cluster.requests.filter((request) => request.includes("signing")),
      [],
    );
    await after.stop();
  });
});

describe("a kubelet with serverTLSBootstrap", () => {
  const userData = joiningUserData({ config: "serverTLSBootstrap: true" });
  const servingRequests = ({ objects }: SimulatedCluster): { request: string; usages: string[] }[] =>
    [...objects.values()]
      .map(({ spec }) => spec as { signerName?: string; request: string; usages: string[] })
      .filter((spec) => spec?.signerName === "kubernetes.io/kubelet-serving");

  test("gets a serving certificate for its name and addresses, once", async () => {
    const world = createWorld();
    assert.match(await boot(world, userData), /serving certificate issued/);
    const [spec, ...more] = servingRequests(world.cluster);
    assert.deepEqual(more, []);
    assert.deepEqual(spec?.usages, ["digital signature", "server auth"]);
    const request = Buffer.from(spec?.request ?? "", "base64").toString();
    const der = Buffer.from(request.replaceAll(/-----.*-----/g, ""), "base64").toString("latin1");
    // Subject alternative names as they are on the wire: two addresses of four bytes, and a name.
    assert.ok(der.includes("\x87\x04\x0a\x00\x00\x02\x87\x04\xc6\x12\x00\x01\x82\x06node-1"));
  });

  test("is Ready without one, and asks again after a quarter of an hour", async () => {
    const world = createWorld();
    world.cluster.approvesServing = false;
    addMachine(world, userData);
    await world.clock.advance(14 * 60_000);
    assert.equal(readyOf(world.cluster), "True");
    assert.equal(servingRequests(world.cluster).length, 1);
    world.cluster.approvesServing = true;
    await world.clock.advance(3 * 60_000);
    assert.equal(servingRequests(world.cluster).length, 2);
    assert.match(world.console(), /nobody approved csr-\w+ within 15 minutes[^]*serving certificate issued/);
    await world.stop();
  });

  test("asks again when its addresses change, and not after a reboot", async () => {
    const world = createWorld();
    addMachine(world, userData);
    await world.clock.advance(20_000);
    world.room.powerOff("1");
    world.room.powerOn("1");
    await world.clock.advance(20_000);
    assert.equal(servingRequests(world.cluster).length, 1);
    world.room.setAddresses("1", [{ type: "ExternalIP", address: "198.18.0.2" }]);
    await world.clock.advance(20_000);
    assert.equal(servingRequests(world.cluster).length, 2);
    await world.stop();
  });
});

describe("pods bound to a machine's Node", () => {
  const POD = "/api/v1/namespaces/default/pods/a";
  const pod = (nodeName: string): StoredObject => ({
    metadata: { name: "a", namespace: "default", uid: "u" },
    spec: { nodeName, containers: [{ name: "c", image: "i" }] },
  });

  test("run, and are gone soon after they are to end", async () => {
    const world = createWorld();
    addMachine(world, joiningUserData());
    await world.clock.advance(5_000);
    world.cluster.objects.set(POD, pod("node-1"));
    await world.clock.advance(11_000);
    const running = world.cluster.objects.get(POD);
    assert.partialDeepStrictEqual(running?.["status"], { phase: "Running", hostIP: "10.0.0.2" });
    assert.ok(running);
    running.metadata["deletionTimestamp"] = "2026-01-01T00:00:30Z";
    await world.clock.advance(3_000);
    assert.equal(world.cluster.objects.has(POD), false);
    await world.stop();
  });

  test("of another Node are left alone", async () => {
    const world = createWorld();
    world.cluster.objects.set(POD, pod("node-2"));
    await boot(world, joiningUserData());
    assert.equal(world.cluster.objects.get(POD)?.["status"], undefined);
  });

  test("cost one list in ten seconds where there are none", async () => {
    const world = createWorld();
    addMachine(world, joiningUserData());
    await world.clock.advance(100_000);
    const lists = world.cluster.requests.filter((request) => request === "GET /api/v1/pods");
    assert.ok(lists.length >= 9 && lists.length <= 10, `${lists.length} lists`);
    await world.stop();
  });
});

describe("a machine does not join, and its console says why,", () => {
  const cases: [name: string, userData: string, reason: RegExp][] = [
    ["without user data", "", /no user data/],
    [
      "with a wrong header",
      joiningUserData().replace("#cloud-config", "# cloud-config"),
      /begins with "# cloud-config"/,
    ],
    ["with broken YAML", "#cloud-config\nwrite_files: [", /failed to parse cloud-config/],
    ["with a token that is not known", joiningUserData({ token: "zzzzzz.0123456789abcdef" }), /Unauthorized \(401\)/],
    ["without a token", joiningUserData({ token: "" }), /Unauthorized \(401\)/],
    ["with another cluster's CA", joiningUserData({ ca: "other" }), /certificate signed by unknown authority/],
    [
      "when nothing starts the kubelet",
      joiningUserData({ runcmd: "[systemctl, daemon-reload]" }),
      /no unit or command started/,
    ],
    [
      "when the script is not executable",
      joiningUserData().replace('"0755"', '"0644"'),
      /\/opt\/bin\/setup: Permission denied/,
    ],
    [
      "when no kubelet was installed",
      joiningUserData({ setup: "#!/bin/sh\nsystemctl start kubelet\n" }),
      /command not found/,
    ],
    ["without its unit", joiningUserData().replace("/kubelet.service", "/other.service"), /kubelet\.service not found/],
    [
      "with a flag its version no longer has",
      joiningUserData({ unit: "[Service]\nExecStart=/opt/bin/kubelet --kubeconfig=/k --container-runtime=remote" }),
      /unknown flag: --container-runtime/,
    ],
    [
      "with a configuration file that is not there",
      joiningUserData({
        unit: "[Service]\nExecStart=/k/kubelet --kubeconfig=/k --bootstrap-kubeconfig=/b --config=/c",
      }),
      /failed to load kubelet config file \/c: no such file/,
    ],
    [
      "with a bootstrap kubeconfig that is not there",
      joiningUserData({ unit: "[Service]\nExecStart=/k/kubelet --kubeconfig=/k --bootstrap-kubeconfig=/b" }),
      /unable to load kubeconfig: \/b: no such file/,
    ],
  ];
  for (const [name, userData, reason] of cases) {
    test(name, async () => {
      const world = createWorld();
      assert.match(await boot(world, userData), reason);
      assert.equal(world.cluster.objects.has(NODE), false);
    });
  }

  test("when its certificate request is denied", async () => {
    const world = createWorld();
    world.cluster.decide = "deny";
    assert.match(await boot(world, joiningUserData()), /refused: Denied: no such machine/);
  });

  test("but keeps trying, and joins once the server can be reached", async () => {
    const world = createWorld();
    world.cluster.isReachable = false;
    addMachine(world, joiningUserData());
    await world.clock.advance(20_000);
    assert.match(world.console(), /dial: ECONNREFUSED; retrying in 4 s/);
    world.cluster.isReachable = true;
    await world.clock.advance(40_000);
    assert.equal(readyOf(world.cluster), "True");
    await world.stop();
  });
});

test("no token or key is on a console", async () => {
  const world = createWorld();
  world.cluster.decide = "deny";
  assert.doesNotMatch(await boot(world, joiningUserData()), /0123456789abcdef|PRIVATE/);
});
