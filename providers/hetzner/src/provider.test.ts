import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Machine } from "@machine-controller/api";
import { createVirtualClock, type SimulatorOptions } from "@machine-controller/cloud-simulator";
import {
  createConfigVarResolver,
  createProvider,
  type Instance,
  isProviderError,
  type ProviderErrorCode,
} from "@machine-controller/provider";
import { createHetznerSimulator, type HetznerSimulatorOptions } from "@machine-controller/provider-hetzner/sim";
import { checkTraffic } from "@machine-controller/provider-hetzner/spec";
import hetzner from "./index.ts";

const call = { signal: new AbortController().signal };
const TOKEN = "simulated-token";
const START = Date.parse("2026-01-01T00:00:00Z");
const request = (uid: string) => ({ userData: "#cloud-config\n", token: uid });

/** The provider against the simulated cloud; every exchange is checked against what the vendor's document says. */
function world(t: TestContext, options: Partial<SimulatorOptions & HetznerSimulatorOptions> = {}) {
  const clock = createVirtualClock(START);
  let seed = 0;
  const random = { bytes: (length: number) => Uint8Array.from({ length }, () => (seed = (seed * 73 + 41) % 251)) };
  const timing = { createMs: 0, actionMs: 1_000 };
  const cloud = createHetznerSimulator({ database: ":memory:", clock, random, cloudTiming: timing, ...options });
  const problems: unknown[] = [];
  const fetch = checkTraffic(cloud.handle, (problem) => problems.push(problem));
  t.after(() => {
    cloud.close();
    assert.deepEqual(problems, []);
  });
  const environment = {};
  const unset = async () => undefined;
  const resolver = createConfigVarResolver({ readSecret: unset, readConfigMap: unset, environment });
  const runtime = { fetch, clock, random, environment, resolver };
  /** As it would be after a restart: nothing remembered. */
  const restart = () => createProvider(hetzner, runtime);
  const direct = async (method: string, path: string, body?: unknown) => {
    const init = {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    const text = await (await fetch(new Request(`https://api.hetzner.cloud/v1${path}`, init))).text();
    return text === "" ? undefined : JSON.parse(text);
  };
  const mutations = () =>
    cloud
      .requests()
      .filter(({ method }) => method !== "GET")
      .map(({ method, path }) => `${method} ${path}`);
  const patient = restart();
  const provider = {
    ...patient,
    /** Gives it the time that it gathers questions for. */
    cleanup: async (...args: Parameters<typeof patient.cleanup>) =>
      (await Promise.all([patient.cleanup(...args), clock.advance(250)]))[0],
  };
  return { clock, cloud, provider, restart, runtime, direct, mutations };
}

function machine(name: string, spec: object = {}, instance?: Instance): Machine {
  const cloudProviderSpec = { token: TOKEN, serverType: "cx23", ...spec };
  const record = instance && { ...instance, provider: "hetzner", account: "a", attempt: 1, at: "2026-01-01T00:00:00Z" };
  return {
    apiVersion: "cluster.k8s.io/v1alpha1",
    kind: "Machine",
    metadata: {
      name,
      namespace: "kube-system",
      uid: `uid-${name}`,
      ...(record && { annotations: { "machine-controller/instance": JSON.stringify(record) } }),
    },
    spec: {
      providerSpec: { value: { cloudProvider: "hetzner", operatingSystem: "ubuntu", cloudProviderSpec } },
      versions: { kubelet: "1.36.2" },
    },
  };
}

const rejects = (promise: Promise<unknown>, code: ProviderErrorCode, message?: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProviderError(error), String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    assert.doesNotMatch(error.message, new RegExp(TOKEN));
    return true;
  });

test("creating is one change, and creating again finds the same server", async (t) => {
  const { provider, restart, mutations } = world(t);
  const a = await provider.create(machine("a"), request("uid-a"), call);
  assert.equal(a.name, "a");
  assert.equal(a.machineUid, "uid-a");
  assert.equal(a.providerId, `hcloud://${a.id}`);
  assert.deepEqual(mutations(), ["POST /v1/ssh_keys", "POST /v1/servers"]);

  await provider.create(machine("b"), request("uid-b"), call);
  assert.deepEqual(mutations().slice(2), ["POST /v1/servers"]);

  assert.equal((await provider.create(machine("a"), request("uid-a"), call)).id, a.id);
  assert.equal((await restart().create(machine("a"), request("uid-a"), call)).id, a.id);
  assert.deepEqual(
    (await provider.list(machine("a"), call)).map(({ name }) => name),
    ["a", "b"],
  );
  assert.deepEqual(mutations().slice(3), ["POST /v1/servers", "POST /v1/servers"]);
});

test("a creation whose reply is lost has an unknown outcome, and the repeat finds its server", async (t) => {
  const { provider, cloud, restart } = world(t);
  cloud.faults.add({ on: "POST /v1/servers", times: 1, action: { drop: "reply" } });
  await rejects(provider.create(machine("a"), request("uid-a"), call), "UnknownOutcome");
  const a = await restart().create(machine("a"), request("uid-a"), call);
  assert.deepEqual(
    (await provider.list(machine("a"), call)).map(({ id }) => id),
    [a.id],
  );
  assert.equal((await provider.get(machine("a"), call)).id, a.id);
});

test("a creation whose request is lost has an unknown outcome, and the repeat makes the server", async (t) => {
  const { provider, cloud } = world(t);
  cloud.faults.add({ on: "POST /v1/servers", times: 1, action: { drop: "request" } });
  await rejects(provider.create(machine("a"), request("uid-a"), call), "UnknownOutcome");
  await rejects(provider.get(machine("a"), call), "InstanceNotFound");
  await provider.create(machine("a"), request("uid-a"), call);
  assert.equal((await provider.list(machine("a"), call)).length, 1);
});

test("parallel creations make one server a Machine and one SSH key a project", async (t) => {
  const { provider, restart, direct } = world(t);
  const names = ["a", "b", "a", "c"];
  const other = restart();
  const made = await Promise.all(
    names.flatMap((name) => [provider, other].map((p) => p.create(machine(name), request(`uid-${name}`), call))),
  );
  assert.equal(new Set(made.map(({ id }) => id)).size, 3);
  assert.equal((await direct("GET", "/ssh_keys")).ssh_keys.length, 1);
});

test("a name that somebody else's server has is terminal and names that server", async (t) => {
  const { provider, direct } = world(t);
  const { server } = await direct("POST", "/servers", { name: "a", server_type: "cx23", image: "ubuntu-24.04" });
  const creating = provider.create(machine("a"), request("uid-a"), call);
  await rejects(creating, "Terminal", new RegExp(`the name "a" is taken by server ${server.id}, .*delete that server`));
  assert.equal((await direct("GET", `/servers/${server.id}`)).server.labels["machine-uid"], undefined);
});

test("a server of the same Machine that is being deleted is not taken for the new one", async (t) => {
  const { provider, clock, direct } = world(t);
  const a = await provider.create(machine("a"), request("uid-a"), call);
  await clock.advance(10);
  await direct("DELETE", `/servers/${a.id}`);
  await rejects(provider.create(machine("a"), request("uid-a"), call), "Unavailable");
  await clock.advance(1_000);
  assert.notEqual((await provider.create(machine("a"), request("uid-a"), call)).id, a.id);
});

test("a refused token says nothing about any instance", async (t) => {
  const { provider } = world(t);
  const wrong = machine("a", { token: "wrong-token" });
  await rejects(provider.get(wrong, call), "Unauthorized");
  await rejects(provider.list(wrong, call), "Unauthorized");
  await rejects(provider.cleanup(wrong, call), "Unauthorized");
  await rejects(provider.create(wrong, request("uid-a"), call), "Unauthorized");
});

test("a read-only token is terminal and names the remedy", async (t) => {
  const { provider } = world(t, { tokens: { [TOKEN]: { project: "p", readOnly: true } } });
  await provider.validate(machine("a").spec, call);
  await rejects(provider.create(machine("a"), request("uid-a"), call), "Terminal", /use a token with read and write/);
});

test("too many requests: the error says when to come back", async (t) => {
  const spent = world(t, { rateLimit: 1 });
  await spent.provider.list(machine("a"), call);
  await assert.rejects(spent.provider.list(machine("a"), call), { code: "RateLimited", retryAfterMs: 3_600_000 });
  await assert.rejects(spent.restart().list(machine("a"), call), { code: "RateLimited", retryAfterMs: 3_600_000 });
  const { provider, cloud } = world(t);
  cloud.faults.add({
    on: "GET /v1/servers",
    action: { status: 429, code: "rate_limit_exceeded", retryAfterSeconds: 7 },
  });
  await assert.rejects(provider.list(machine("a"), call), { code: "RateLimited", retryAfterMs: 7_000 });
});

test("a list is whole beyond one page, and holds only what bears a mark", async (t) => {
  const { provider, direct } = world(t);
  const names = Array.from({ length: 53 }, (_, index) => `node-${index}`);
  await Promise.all(names.map((name) => provider.create(machine(name), request(`uid-${name}`), call)));
  await direct("POST", "/servers", { name: "unmarked", server_type: "cx23", image: "ubuntu-24.04" });
  const listed = await provider.list(machine("a"), call);
  assert.equal(listed.length, names.length);
  assert.deepEqual(new Set(listed.map(({ machineUid }) => machineUid)), new Set(names.map((name) => `uid-${name}`)));
});

test("a list with a page missing is no list", async (t) => {
  const { provider, cloud } = world(t);
  const names = Array.from({ length: 51 }, (_, index) => `node-${index}`);
  await Promise.all(names.map((name) => provider.create(machine(name), request(`uid-${name}`), call)));
  cloud.faults.add({ on: "GET /v1/servers?*page=2*", action: { status: 502 } });
  cloud.faults.add({ on: "GET /v1/servers", times: 2, action: { status: 502 } });
  await rejects(provider.list(machine("a"), call), "Unavailable");
});

test("get goes by the recorded ID, and only the cloud's own word makes an instance absent", async (t) => {
  const { provider, cloud, clock, direct } = world(t);
  const a = await provider.create(machine("a"), request("uid-a"), call);
  const recorded = machine("a", {}, a);
  await clock.advance(10);
  assert.equal((await provider.get(recorded, call)).status, "running");
  cloud.faults.add({ on: `GET /v1/servers/${a.id}`, times: 1, action: { status: 503, code: "maintenance" } });
  await rejects(provider.get(recorded, call), "Unavailable");

  await direct("PUT", `/servers/${a.id}`, { labels: { "machine-uid": "stranger" } });
  await rejects(provider.get(recorded, call), "Terminal", /label machine-uid is "stranger"; set it to "uid-a" again/);
  await rejects(provider.cleanup(recorded, call), "Terminal");
  await rejects(provider.get(machine("a"), call), "InstanceNotFound");

  await direct("DELETE", `/servers/${a.id}`);
  await clock.advance(1_000);
  await rejects(provider.get(recorded, call), "InstanceNotFound");
});

test("get prefers the server that stays, and cleanup ends all that bear the mark", async (t) => {
  const { provider, clock, direct } = world(t);
  const labels = { "machine-uid": "uid-a" };
  const twin = (name: string) =>
    direct("POST", "/servers", { name, server_type: "cx23", image: "ubuntu-24.04", labels });
  const [first, second] = [(await twin("a")).server, (await twin("a-2")).server];
  await clock.advance(10);
  await direct("DELETE", `/servers/${first.id}`);
  assert.equal((await provider.get(machine("a"), call)).id, String(second.id));
  assert.equal(await provider.cleanup(machine("a"), call), false);
  await clock.advance(1_000);
  assert.equal(await provider.cleanup(machine("a"), call), true);
  assert.deepEqual(await provider.list(machine("a"), call), []);
});

test("cleanup asks once, is false until the server is gone, and then true for ever", async (t) => {
  const { provider, clock, mutations } = world(t);
  const a = await provider.create(machine("a"), request("uid-a"), call);
  await clock.advance(10);
  const doomed = machine("a", { serverType: { broken: true } }, a);
  assert.equal(await provider.cleanup(doomed, call), false);
  assert.equal(await provider.cleanup(doomed, call), false);
  assert.deepEqual(mutations().slice(2), [`DELETE /v1/servers/${a.id}`]);
  assert.equal((await provider.get(doomed, call)).status, "deleting");
  await clock.advance(1_000);
  assert.equal(await provider.cleanup(doomed, call), true);
  assert.equal(await provider.cleanup(machine("a"), call), true);
});

test("cleanup without a record goes by the label, and finds a server that a record does not know", async (t) => {
  const { provider, clock, direct } = world(t);
  const old = await provider.create(machine("a"), request("uid-a"), call);
  await clock.advance(10);
  await direct("DELETE", `/servers/${old.id}`);
  await clock.advance(1_000);
  const unrecorded = await provider.create(machine("a"), request("uid-a/2"), call);
  await provider.create(machine("b"), request("uid-b"), call);
  await clock.advance(10);
  assert.equal(await provider.cleanup(machine("a", {}, old), call), false);
  assert.equal((await provider.get(machine("a"), call)).status, "deleting");
  await clock.advance(1_000);
  await rejects(provider.get(machine("a", {}, unrecorded), call), "InstanceNotFound");
  assert.equal(await provider.cleanup(machine("a"), call), true);
  assert.deepEqual(
    (await provider.list(machine("a"), call)).map(({ name }) => name),
    ["b"],
  );
});

test("cleanup deletes nothing of others where something drops the selector on the way", async (t) => {
  const { provider, runtime, mutations } = world(t);
  await provider.create(machine("b"), request("uid-b"), call);
  const fetch = (request: Request) => {
    const url = new URL(request.url);
    url.searchParams.delete("label_selector");
    return runtime.fetch(new Request(url, request));
  };
  const careless = createProvider(hetzner, { ...runtime, fetch });
  assert.equal(await careless.cleanup(machine("a"), call), true);
  await rejects(careless.get(machine("a"), call), "InstanceNotFound");
  assert.equal(mutations().length, 2);
});

test("Machines that are cleaned up at the same time share what is asked of the cloud", async (t) => {
  const { provider, cloud, clock } = world(t);
  const names = Array.from({ length: 20 }, (_, index) => `node-${index}`);
  const made = await Promise.all(names.map((name) => provider.create(machine(name), request(`uid-${name}`), call)));
  await clock.advance(10);
  const before = cloud.requests().length;
  for (const isGone of [false, true]) {
    const done = await Promise.all(made.map((a) => provider.cleanup(machine(a.name, {}, a), call)));
    assert.deepEqual(new Set(done), new Set([isGone]));
    await clock.advance(1_000);
  }
  const counts = Map.groupBy(cloud.requests().slice(before), ({ method, path }) => `${method} ${path.split("?")[0]}`);
  const lists = counts.get("GET /v1/servers")?.length ?? 0;
  assert.equal(lists, 2, "one list for all, each time");
  assert.equal(cloud.requests().length - before, lists + 2 * made.length, "one DELETE and one look by ID for each");
});

test("cleanup waits out a lock, and names the remedy where the server is protected", async (t) => {
  const { provider, cloud, clock, mutations } = world(t);
  const a = await provider.create(machine("a"), request("uid-a"), call);
  await clock.advance(10);
  cloud.faults.add({ on: "DELETE /v1/servers/*", times: 1, action: { status: 423, code: "locked" } });
  assert.equal(await provider.cleanup(machine("a"), call), false);
  cloud.faults.add({ on: "DELETE /v1/servers/*", times: 1, action: { status: 403, code: "protected" } });
  await rejects(provider.cleanup(machine("a"), call), "Terminal", /disable the server's delete protection/);
  cloud.faults.add({ on: "DELETE /v1/servers/*", times: 1, action: { status: 502 } });
  await rejects(provider.cleanup(machine("a"), call), "UnknownOutcome");
  assert.equal(await provider.cleanup(machine("a"), call), false);
  assert.equal(mutations().filter((line) => line === `DELETE /v1/servers/${a.id}`).length, 4);
});

test("placement groups are filled up to ten, made when full, and deleted with their last server", async (t) => {
  const { provider, direct, clock } = world(t);
  const spec = { placementGroupPrefix: "prod", labels: { team: "a", "machine-uid": "mine" } };
  await direct("POST", "/placement_groups", { name: "prod-eu-bcdfg", type: "spread" });
  const names = Array.from({ length: 12 }, (_, index) => `node-${index}`);
  const made = await Promise.all(
    names.map((name) => provider.create(machine(name, spec), request(`uid-${name}`), call)),
  );
  const groups = async () => (await direct("GET", "/placement_groups")).placement_groups;
  const ours = (await groups()).filter(({ name }: { name: string }) => /^prod-[a-z0-9]{5}$/.test(name));
  const sizes: number[] = ours.map(({ servers }: { servers: number[] }) => servers.length);
  assert.equal(
    sizes.reduce((a, b) => a + b),
    12,
  );
  assert.ok(
    sizes.every((size) => size <= 10),
    String(sizes),
  );
  assert.deepEqual(ours[0].labels, { team: "a", "managed-by": "machine-controller" });

  await clock.advance(10);
  for (let round = 0; round < 2; round++) {
    const done = await Promise.all(
      made.map((instance) => provider.cleanup(machine(instance.name, {}, instance), call)),
    );
    assert.deepEqual(new Set(done), new Set([round === 1]));
    await clock.advance(1_000);
  }
  assert.deepEqual(
    (await groups()).map(({ name }: { name: string }) => name),
    ["prod-eu-bcdfg"],
  );
});

test("a group that cannot place the server is left for another, once", async (t) => {
  const { provider, cloud, direct } = world(t);
  const spec = { placementGroupPrefix: "prod" };
  const full = { status: 409, code: "placement_error" };
  const first = await provider.create(machine("a", spec), request("uid-a"), call);
  cloud.faults.add({ on: "POST /v1/servers", times: 1, action: full });
  const second = await provider.create(machine("b", spec), request("uid-b"), call);
  assert.notEqual(second.resources?.["placementGroup"], first.resources?.["placementGroup"]);
  cloud.faults.add({ on: "POST /v1/servers", times: 2, action: full });
  await rejects(provider.create(machine("c", spec), request("uid-c"), call), "InsufficientResources");
  const { placement_groups } = await direct("GET", "/placement_groups");
  assert.equal(placement_groups.length, 2);
});

test("a user's own group is used, by the name's form, and never deleted", async (t) => {
  const { provider, clock, direct } = world(t);
  const { placement_group } = await direct("POST", "/placement_groups", { name: "prod-own42", type: "spread" });
  const a = await provider.create(machine("a", { placementGroupPrefix: "prod" }), request("uid-a"), call);
  assert.deepEqual(a.resources, { placementGroup: String(placement_group.id) });
  await clock.advance(10);
  const recorded = machine("a", {}, a);
  assert.equal(await provider.cleanup(recorded, call), false);
  await clock.advance(1_000);
  assert.equal(await provider.cleanup(recorded, call), true);
  assert.equal((await direct("GET", "/placement_groups")).placement_groups.length, 1);
});

test("what does not exist is terminal, with path, value and remedy, in validate and in create alike", async (t) => {
  const { provider, mutations } = world(t);
  const path = "spec\\.providerSpec\\.value\\.cloudProviderSpec";
  const wrong: [object, string][] = [
    [
      { serverType: "cax1l" },
      `^${path}\\.serverType: "cax1l" is not a server type of Hetzner Cloud; did you mean "cax11"\\?$`,
    ],
    [{ serverType: "m5.large" }, `^${path}\\.serverType: "m5.large" is not .*; use one of .*cx23`],
    [{ location: "nbg7" }, `^${path}\\.location: "nbg7" is not a location of Hetzner Cloud; did you mean "nbg1"\\?$`],
    [{ location: "ash" }, `^${path}\\.location: "ash" does not offer server type cx23; use one of .*nbg1`],
    [
      { image: "ubunto-24.04" },
      `^${path}\\.image: "ubunto-24.04" is not an image for x86; did you mean "ubuntu-24.04"\\?$`,
    ],
    [{ networks: ["net"] }, `^${path}\\.networks\\[0\\]: "net" is not a network of this project; there are none$`],
    [{ firewalls: ["fw"] }, `^${path}\\.firewalls\\[0\\]: "fw" is not a firewall of this project; there are none$`],
  ];
  for (const [spec, message] of wrong) {
    await rejects(provider.validate(machine("a", spec).spec, call), "Terminal", new RegExp(message));
    await rejects(provider.create(machine("a", spec), request("uid-a"), call), "Terminal", new RegExp(message));
  }
  assert.deepEqual(
    mutations().filter((line) => line.endsWith("/servers")),
    [],
  );
});

test("names and IDs mean the same; everything the spec asks for reaches the server", async (t) => {
  const { runtime, direct, clock } = world(t);
  const provider = createProvider(hetzner, { ...runtime, clusterUid: "this-cluster" });
  const { network } = await direct("POST", "/networks", {
    name: "net",
    ip_range: "10.0.0.0/16",
    subnets: [{ type: "cloud", ip_range: "10.0.1.0/24", network_zone: "eu-central" }],
  });
  const arm = (await direct("GET", "/server_types?name=cax11")).server_types[0];
  const spec = {
    serverType: String(arm.id),
    datacenter: "nbg1-dc3",
    networks: ["net"],
    firewalls: [],
    labels: { team: "a", "machine-uid": "mine" },
    assignPublicIPv4: false,
    assignPublicIPv6: false,
  };
  const a = await provider.create(machine("a", spec), request("uid-a"), call);
  await clock.advance(2_000);
  const { server } = await direct("GET", `/servers/${a.id}`);
  assert.equal(server.server_type.name, "cax11");
  assert.equal(server.image.architecture, "arm");
  assert.equal(server.location.name, "nbg1");
  assert.deepEqual(server.labels, { team: "a", "machine-uid": "uid-a", "machine-cluster-uid": "this-cluster" });
  assert.equal((await provider.get(machine("a", spec), call)).clusterUid, "this-cluster");
  assert.equal(server.private_net[0].network, network.id);
  assert.equal(server.public_net.ipv4, null);
  const { addresses } = await provider.get(machine("a"), call);
  assert.deepEqual(addresses, [{ type: "InternalIP", address: server.private_net[0].ip }]);
});

test("a public address is IPv4, IPv6 or both, and never a text for none", async (t) => {
  const { provider, direct } = world(t);
  await direct("POST", "/firewalls", { name: "fw" });
  const create = async (name: string, spec: object) => {
    const { addresses, id } = await provider.create(machine(name, spec), request(`uid-${name}`), call);
    const { public_net } = (await direct("GET", `/servers/${id}`)).server;
    return { addresses, ...public_net };
  };
  const both = await create("a", { firewalls: ["fw"] });
  assert.deepEqual(both.addresses, [
    { type: "ExternalIP", address: both.ipv4.ip },
    { type: "ExternalIP", address: both.ipv6.ip.replace("::/64", "::1") },
  ]);
  assert.equal(both.firewalls.length, 1);
  const v6 = await create("b", { assignPublicIPv4: false });
  assert.deepEqual(v6.addresses, [{ type: "ExternalIP", address: v6.ipv6.ip.replace("::/64", "::1") }]);
  const v4 = await create("c", { assignPublicIPv6: { value: false } });
  assert.deepEqual(v4.addresses, [{ type: "ExternalIP", address: v4.ipv4.ip }]);
});

test("an image for another architecture is refused before a server is asked for", async (t) => {
  const { provider, direct } = world(t);
  const [image] = (await direct("GET", "/images?architecture=arm&name=ubuntu-24.04")).images;
  const validating = provider.validate(machine("a", { image: image.id }).spec, call);
  await rejects(validating, "Terminal", new RegExp(`image: "${image.id}" is for arm and cx23 is x86$`));
  await provider.validate(machine("a", { image: image.id, serverType: "cax11" }).spec, call);
});

test("a firewall made anew under its name is found after one refusal", async (t) => {
  const { provider, direct } = world(t);
  const spec = { firewalls: ["fw"] };
  const { firewall } = await direct("POST", "/firewalls", { name: "fw" });
  await provider.validate(machine("a", spec).spec, call);
  await direct("DELETE", `/firewalls/${firewall.id}`);
  await direct("POST", "/firewalls", { name: "fw" });
  await rejects(provider.create(machine("a", spec), request("uid-a"), call), "Terminal");
  await provider.create(machine("a", spec), request("uid-a"), call);
});

test("a quota or a sold-out type is a lack of resources", async (t) => {
  const { provider } = world(t, { maxServers: 1, soldOut: ["cx33@nbg1"] });
  const soldOut = machine("a", { serverType: "cx33", location: "nbg1" });
  await rejects(provider.create(soldOut, request("uid-a"), call), "InsufficientResources");
  await provider.create(machine("b"), request("uid-b"), call);
  await rejects(provider.create(machine("c"), request("uid-c"), call), "InsufficientResources");
});

test("migrating the mark keeps the other labels, and repeats", async (t) => {
  const { provider, direct } = world(t);
  const a = await provider.create(machine("a", { labels: { team: "a" } }), request("uid-a"), call);
  for (let round = 0; round < 2; round++) await provider.migrateUID(machine("a"), "uid-new", call);
  const { server } = await direct("GET", `/servers/${a.id}`);
  assert.deepEqual(server.labels, { team: "a", "machine-uid": "uid-new" });
});

test("a user-data limit of 32 KiB holds before anything is asked", async (t) => {
  const { provider, mutations } = world(t);
  const userData = "x".repeat(32_769);
  await rejects(provider.create(machine("a"), { userData, token: "uid-a" }, call), "Terminal", /takes 32768/);
  await provider.create(machine("a"), { userData: userData.slice(1), token: "uid-a" }, call);
  assert.equal(mutations().length, 2);
});

test("what a server will have comes from the catalogue, asked once for many", async (t) => {
  const { provider, cloud } = world(t);
  const capacities = await Promise.all(
    [1, 2, 3].map(() => provider.capacityOf(machine("a", { serverType: "cax11" }).spec, call)),
  );
  assert.deepEqual(capacities[2], {
    cpus: 2,
    memoryMiB: 4_096,
    diskMiB: 38_146,
    architecture: "arm64",
    labels: { "node.kubernetes.io/instance-type": "cax11" },
  });
  assert.equal(cloud.requests().length, 1);
  await rejects(
    provider.capacityOf(machine("a", { serverType: "cx" }).spec, call),
    "Terminal",
    /"cx" is not a server type/,
  );
});
