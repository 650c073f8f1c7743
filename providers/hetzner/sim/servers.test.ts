import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import { checkTraffic, type TrafficProblem } from "@machine-controller/provider-hetzner/spec";
import {
  createSimulatedProject,
  serverOrder,
  type Body,
  type Call,
  type SimulatedProject,
} from "./simulated-project.fixture.ts";

const problems: TrafficProblem[] = [];
afterEach(() => assert.deepEqual(problems.splice(0), []));

/** Requests that are wrong on purpose are the test's own affair; answers never are. */
function createProject(options: Parameters<typeof createSimulatedProject>[0] = {}): SimulatedProject {
  return createSimulatedProject({
    ...options,
    wrap: (handler) => checkTraffic(handler, (problem) => problem.side === "response" && problems.push(problem)),
  });
}

async function createServer(call: Call, changes: object = {}): Promise<Body> {
  const { status, body } = await call("POST", "/servers", serverOrder(changes));
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

async function refused(call: Call, changes: object): Promise<string> {
  const { status, body } = await call("POST", "/servers", serverOrder(changes));
  return [status, body.error.code, ...(body.error.details?.fields ?? []).map(({ name }) => name)].join(" ");
}

describe("a new server", () => {
  test("is acknowledged as initializing with its addresses, and runs after a while", async () => {
    const { call, clock } = createProject();
    const created = await createServer(call, { labels: { "machine-uid": "u1" } });
    assert.equal(created.server.status, "initializing");
    assert.equal(created.action.command, "create_server");
    assert.deepEqual(
      created.next_actions.map(({ command }) => command),
      ["start_server"],
    );
    assert.match(created.server.public_net.ipv4?.ip ?? "", /^198\.1[89]\./);
    assert.match(created.server.public_net.ipv6?.ip ?? "", /^2001:db8:.*::\/64$/);
    assert.match(created.root_password ?? "", /^[0-9a-f]{20}$/);

    await clock.advance(400);
    const halfway = await call("GET", `/actions/${created.action.id}`);
    assert.deepEqual([halfway.body.action.status, halfway.body.action.progress], ["running", 50]);
    await clock.advance(400);
    const { body } = await call("GET", `/servers/${created.server.id}`);
    assert.equal(body.server.status, "running");
    const done = await call("GET", `/actions?id=${created.action.id}`);
    assert.deepEqual([done.body.actions[0]?.status, done.body.actions[0]?.progress], ["success", 100]);
  });

  test("has no password when it is given SSH keys, by name or by ID", async () => {
    const { call } = createProject();
    const { body } = await call("POST", "/ssh_keys", { name: "mine", public_key: publicKey("mine") });
    assert.equal((await createServer(call, { ssh_keys: ["mine"] })).root_password, null);
    assert.equal((await createServer(call, { name: "node-2", ssh_keys: [body.ssh_key.id] })).root_password, null);
  });

  test("gets its private address when the network is attached", async () => {
    const { call, clock } = createProject();
    const network = await call("POST", "/networks", {
      name: "internal",
      ip_range: "10.0.0.0/16",
      subnets: [{ type: "cloud", network_zone: "eu-central" }],
    });
    const order = { networks: [network.body.network.id], public_net: { enable_ipv4: false, enable_ipv6: false } };
    const { server, next_actions } = await createServer(call, order);
    assert.deepEqual(server.private_net, []);
    assert.deepEqual(
      next_actions.map(({ command }) => command),
      ["start_server", "attach_to_network"],
    );
    await clock.advance(1000);
    const { body } = await call("GET", `/servers/${server.id}`);
    assert.deepEqual(
      body.server.private_net.map(({ ip, network }) => [ip, network]),
      [["10.0.0.2", network.body.network.id]],
    );
    assert.equal(body.server.public_net.ipv4, null);
    await createServer(call, { ...order, name: "second" });
    await clock.advance(1000);
    const second = await call("GET", "/servers?name=second");
    assert.equal(second.body.servers[0]?.private_net[0]?.ip, "10.0.0.3");
    const usa = { name: "node-2", networks: order.networks, location: "ash", server_type: "cpx22" };
    assert.equal(await refused(call, usa), "422 no_subnet_available");
  });

  test("never shares an address with another", async () => {
    const { call } = createProject();
    const ips = new Set<string>();
    for (let at = 0; at < 300; at += 1) {
      const { server } = await createServer(call, { name: `node-${at}` });
      ips.add(server.public_net.ipv4?.ip ?? "").add(server.public_net.ipv6?.ip ?? "");
    }
    assert.equal(ips.size, 600);
  });

  test("is gone again when its creation fails", async () => {
    const { call, clock } = createProject({ actionFailures: [{ command: "create_server", times: 1 }] });
    const { server, action } = await createServer(call);
    await clock.advance(800);
    const after = await call("GET", `/actions/${action.id}`);
    assert.deepEqual([after.body.action.status, after.body.action.error?.code], ["error", "action_failed"]);
    assert.equal((await call("GET", `/servers/${server.id}`)).status, 404);
  });

  test("is refused with the field and the code that say why", async () => {
    const { call } = createProject({ soldOut: ["cax41@hel1"], maxServers: 1 });
    assert.equal(await refused(call, { name: undefined }), "422 invalid_input name");
    assert.equal(await refused(call, { name: "not_a_host" }), "422 invalid_input name");
    assert.equal(await refused(call, { server_type: "zx81" }), "422 invalid_input server_type");
    assert.equal(await refused(call, { image: "beos-5" }), "422 invalid_input image");
    assert.equal(await refused(call, { image: "161547270" }), "422 invalid_input image");
    assert.equal(await refused(call, { location: "mars1" }), "422 invalid_input location");
    assert.equal(await refused(call, { location: "ash" }), "422 invalid_input location");
    assert.equal(await refused(call, { datacenter: "nbg1-dc3" }), "422 invalid_input location");
    assert.equal(await refused(call, { user_data: "x".repeat(32_769) }), "422 invalid_input user_data");
    assert.equal(await refused(call, { networks: [7] }), "422 invalid_input networks");
    assert.equal(await refused(call, { firewalls: [{ firewall: 7 }] }), "422 invalid_input firewalls");
    assert.equal(await refused(call, { placement_group: 7 }), "422 invalid_input placement_group");
    assert.equal(await refused(call, { ssh_keys: ["nobody"] }), "422 invalid_input ssh_keys");
    assert.equal(await refused(call, { labels: { "hetzner.cloud/x": "y" } }), "422 invalid_input labels");
    const withoutNetwork = { public_net: { enable_ipv4: false, enable_ipv6: false } };
    assert.equal(await refused(call, withoutNetwork), "422 invalid_input public_net");
    assert.equal(await refused(call, { server_type: "cx11" }), "422 invalid_server_type");
    assert.equal(await refused(call, { server_type: "cax41", location: "hel1" }), "412 resource_unavailable");
    assert.equal((await call("POST", "/servers", "{")).body.error.code, "json_error");
    await createServer(call, { user_data: "x".repeat(32_768) });
    assert.equal(await refused(call, {}), "409 uniqueness_error name");
    assert.equal(await refused(call, { name: "node-2" }), "403 resource_limit_exceeded");
  });

  test("does not fit into a spread group of ten", async () => {
    const { call, clock } = createProject();
    const { body } = await call("POST", "/placement_groups", { name: "spread", type: "spread" });
    const group = { placement_group: body.placement_group.id };
    const members: number[] = [];
    for (let at = 0; at < 10; at += 1)
      members.push((await createServer(call, { name: `node-${at}`, ...group })).server.id);
    assert.equal(await refused(call, { name: "node-10", ...group }), "412 placement_error");
    const full = await call("GET", `/placement_groups/${group.placement_group}`);
    assert.deepEqual(full.body.placement_group.servers, members);
    assert.equal(
      (await call("DELETE", `/placement_groups/${group.placement_group}`)).body.error.code,
      "resource_in_use",
    );
    await clock.advance(1000);
    for (const id of members) await call("DELETE", `/servers/${id}`);
    await clock.advance(1000);
    assert.equal((await call("DELETE", `/placement_groups/${group.placement_group}`)).status, 204);
  });
});

describe("an existing server", () => {
  test("is deleting for a moment and then gone, and its name is free", async () => {
    const { call, clock } = createProject();
    const { server } = await createServer(call);
    assert.equal((await call("DELETE", `/servers/${server.id}`)).body.error.code, "locked");
    await clock.advance(1000);
    const { body } = await call("DELETE", `/servers/${server.id}`);
    assert.equal(body.action.command, "delete_server");
    assert.equal((await call("GET", `/servers/${server.id}`)).body.server.status, "deleting");
    assert.equal((await call("DELETE", `/servers/${server.id}`)).status, 423);
    await clock.advance(300);
    assert.equal((await call("GET", `/servers/${server.id}`)).status, 404);
    assert.equal((await call("DELETE", `/servers/${server.id}`)).body.error.code, "not_found");
    assert.equal((await call("GET", "/servers")).body.meta.pagination.total_entries, 0);
    await createServer(call);
  });

  test("cannot be deleted while it is protected", async () => {
    const { call, clock } = createProject();
    const { server } = await createServer(call);
    await clock.advance(1000);
    const protect = { delete: true, rebuild: true };
    assert.equal((await call("POST", `/servers/${server.id}/actions/change_protection`, protect)).status, 201);
    const { status, body } = await call("DELETE", `/servers/${server.id}`);
    assert.deepEqual([status, body.error.code], [423, "protected"]);
  });

  test("takes a new name and the very labels it is given", async () => {
    const { call } = createProject();
    const { server } = await createServer(call, { labels: { a: "1" } });
    const { body } = await call("PUT", `/servers/${server.id}`, { name: "renamed", labels: { b: "2" } });
    assert.deepEqual([body.server.name, body.server.labels], ["renamed", { b: "2" }]);
    await createServer(call);
    assert.equal((await call("PUT", `/servers/${server.id}`, { name: "node-1" })).body.error.code, "uniqueness_error");
  });

  test("passes through the statuses of power actions", async () => {
    const { call, clock } = createProject();
    const { server } = await createServer(call);
    const status = async (): Promise<string> => (await call("GET", `/servers/${server.id}`)).body.server.status;
    await clock.advance(1000);
    await call("POST", `/servers/${server.id}/actions/shutdown`);
    assert.equal(await status(), "stopping");
    assert.equal((await call("POST", `/servers/${server.id}/actions/poweron`)).body.error.code, "locked");
    await clock.advance(300);
    assert.equal(await status(), "off");
    assert.equal((await call("POST", `/servers/${server.id}/actions/poweron`)).body.action.command, "start_server");
    await clock.advance(300);
    assert.equal(await status(), "running");
    const actions = await call("GET", `/servers/${server.id}/actions?sort=id:desc&status=success`);
    assert.deepEqual(
      actions.body.actions.map(({ command }) => command),
      ["start_server", "shutdown_server", "start_server", "create_server"],
    );
  });
});

test("the machine of a server has its size and addresses, and power with it", async (t) => {
  const { call, clock, simulator } = createProject();
  const stop = new AbortController();
  const running = simulator.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
  });
  const isOn = (): boolean | undefined => simulator.machines()[0]?.isOn;
  const { server } = await createServer(call, { server_type: "cax21", user_data: "no header" });
  const ipv6 = server.public_net.ipv6?.ip.replace("::/64", "::1");
  assert.partialDeepStrictEqual(simulator.machines()[0]?.spec, {
    name: "node-1",
    addresses: [
      { type: "ExternalIP", address: server.public_net.ipv4?.ip },
      { type: "ExternalIP", address: ipv6 },
    ],
    cpus: 4,
    memoryMiB: 8192,
    diskGiB: 80,
    architecture: "arm64",
  });
  await clock.advance(799);
  assert.equal(isOn(), false);
  await clock.advance(1000);
  assert.equal(isOn(), true);
  assert.match(simulator.machines()[0]?.console.join() ?? "", /begins with "no header"/);
  await call("POST", `/servers/${server.id}/actions/poweroff`);
  assert.equal(isOn(), false);
  await clock.advance(1000);
  await call("POST", `/servers/${server.id}/actions/poweron`);
  await clock.advance(1000);
  assert.equal(isOn(), true);
  await call("DELETE", `/servers/${server.id}`);
  assert.deepEqual(simulator.machines(), []);
  const off = await createServer(call, { name: "node-2", start_after_create: false });
  await clock.advance(1000);
  assert.equal((await call("GET", `/servers/${off.server.id}`)).body.server.status, "off");
  assert.equal(isOn(), false);
});

describe("listing", () => {
  test("comes in pages of at most 50 with links", async () => {
    const { call } = createProject();
    for (let at = 0; at < 60; at += 1) await createServer(call, { name: `node-${at}` });
    const first = await call("GET", "/servers?per_page=100&sort=id:desc");
    assert.equal(first.body.servers.length, 50);
    assert.equal(first.body.servers[0]?.name, "node-59");
    assert.deepEqual(first.body.meta.pagination, {
      page: 1,
      per_page: 50,
      previous_page: null,
      next_page: 2,
      last_page: 2,
      total_entries: 60,
    });
    assert.match(first.headers.get("link") ?? "", /page=2>; rel="next"/);
    assert.equal((await call("GET", "/servers?per_page=50&page=2")).body.servers.length, 10);
    assert.equal((await call("GET", "/servers")).body.servers.length, 25);
    assert.equal((await call("GET", "/servers?page=0")).body.error.code, "invalid_input");
    assert.equal((await call("GET", "/servers?sort=colour")).body.error.code, "invalid_input");
  });

  test("follows name, status and label selector", async () => {
    const { call, clock } = createProject();
    await createServer(call, { name: "a", labels: { env: "prod", tier: "web" } });
    await clock.advance(1000);
    await createServer(call, { name: "b", labels: { env: "test" } });
    await createServer(call, { name: "c" });
    const names = async (query: string): Promise<string> =>
      (await call("GET", `/servers?${query}`)).body.servers.map(({ name }) => name).join("");
    assert.equal(await names("name=b"), "b");
    assert.equal(await names("status=running"), "a");
    assert.equal(await names("status=running&status=initializing"), "abc");
    const selected = (selector: string): Promise<string> => names(`label_selector=${encodeURIComponent(selector)}`);
    assert.equal(await selected("env=prod"), "a");
    assert.equal(await selected("env==test"), "b");
    assert.equal(await selected("env!=prod"), "bc");
    assert.equal(await selected("env"), "ab");
    assert.equal(await selected("!env"), "c");
    assert.equal(await selected("env in (prod, test)"), "ab");
    assert.equal(await selected("env notin (prod)"), "bc");
    assert.equal(await selected("env in (prod,test),!tier"), "b");
    assert.equal((await call("GET", "/servers?label_selector=%3D%3D")).body.error.code, "invalid_input");
  });
});

test("what was acknowledged is there after the database is opened again", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hetzner-sim-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const database = join(folder, "cloud.db");
  // The first one is never closed, as after a kill.
  const { server } = await createServer(createProject({ database }).call, { labels: { "machine-uid": "u1" } });
  const reopened = createProject({ database });
  const { body } = await reopened.call("GET", "/servers?label_selector=machine-uid==u1");
  assert.deepEqual(
    body.servers.map(({ id }) => id),
    [server.id],
  );
  assert.equal(await refused(reopened.call, {}), "409 uniqueness_error name");
  const next = await createServer(reopened.call, { name: "node-2" });
  assert.notEqual(next.server.id, server.id);
  assert.notEqual(next.server.public_net.ipv4?.ip, server.public_net.ipv4?.ip);
});

function publicKey(comment: string): string {
  const type = Buffer.from("ssh-ed25519");
  const body = Buffer.concat([Buffer.from([0, 0, 0, type.length]), type, Buffer.from(comment.padEnd(36, "."))]);
  return `ssh-ed25519 ${body.toString("base64")} ${comment}`;
}
