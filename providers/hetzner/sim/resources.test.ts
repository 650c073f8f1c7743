import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { checkTraffic, type TrafficProblem } from "@machine-controller/provider-hetzner/spec";
import {
  createSimulatedProject,
  serverOrder,
  type Answer,
  type SimulatedProject,
} from "./simulated-project.fixture.ts";

const problems: TrafficProblem[] = [];
afterEach(() => assert.deepEqual(problems.splice(0), []));

function createProject(options: Parameters<typeof createSimulatedProject>[0] = {}): SimulatedProject {
  return createSimulatedProject({
    ...options,
    wrap: (handler) => checkTraffic(handler, (problem) => problem.side === "response" && problems.push(problem)),
  });
}

const outcome = ({ status, body }: Answer): string => [status, body.error?.code].join(" ").trim();
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0G1Ns3aVbNnUO8o4cYk0mUHk1VYhYmV1gM3o3xq3mW";

describe("access", () => {
  test("needs a known token, and a read-only one may only read", async () => {
    const { as } = createProject({ tokens: { r: { project: "a", readOnly: true }, w: { project: "a" } } });
    assert.equal(outcome(await as(undefined)("GET", "/servers")), "401 unauthorized");
    assert.equal(outcome(await as("simulated-token")("GET", "/servers")), "401 unauthorized");
    assert.equal(outcome(await as("toString")("GET", "/servers")), "401 unauthorized");
    assert.equal(outcome(await as("r")("GET", "/servers")), "200");
    assert.equal(outcome(await as("r")("POST", "/servers", serverOrder())), "403 token_readonly");
    assert.equal(outcome(await as("w")("POST", "/servers", serverOrder())), "201");
  });

  test("ends at the project: others' servers, networks and names do not exist", async () => {
    const { as } = createProject({ tokens: { a: { project: "a" }, b: { project: "b" } } });
    const { body } = await as("a")("POST", "/servers", serverOrder());
    assert.equal(outcome(await as("b")("GET", `/servers/${body.server.id}`)), "404 not_found");
    assert.equal(outcome(await as("b")("DELETE", `/servers/${body.server.id}`)), "404 not_found");
    assert.equal(outcome(await as("b")("GET", `/actions/${body.action.id}`)), "404 not_found");
    assert.equal((await as("b")("GET", "/servers")).body.servers.length, 0);
    assert.equal(outcome(await as("b")("POST", "/servers", serverOrder())), "201");
  });

  test("is limited by requests an hour, which come back evenly", async () => {
    const { call, clock } = createProject({ rateLimit: 3600 });
    const first = await call("GET", "/locations");
    assert.deepEqual(rateOf(first), ["3600", "3599", String(clock.now() / 1000 + 1)]);
    for (let at = 1; at < 3600; at += 1) await call("GET", "/locations/1");
    const refused = await call("GET", "/locations");
    assert.equal(outcome(refused), "429 rate_limit_exceeded");
    assert.deepEqual(rateOf(refused), ["3600", "0", String(clock.now() / 1000 + 3600)]);
    await clock.advance(2000);
    assert.equal(outcome(await call("GET", "/locations")), "200");
    assert.equal(outcome(await call("GET", "/locations")), "200");
    assert.equal(outcome(await call("GET", "/locations")), "429 rate_limit_exceeded");
  });

  test("fails as a fault says, in the vendor's format", async () => {
    const { call } = createProject({ database: ":memory:" });
    assert.equal(outcome(await call("GET", "/no_such_thing").catch(() => assert.fail())), "404 not_found");
    problems.length = 0;
    const faulty = createProject();
    faulty.simulator.faults.add({ on: "GET /v1/servers", times: 1, action: { status: 503, retryAfterSeconds: 7 } });
    const answer = await faulty.call("GET", "/servers");
    assert.equal(outcome(answer), "503 unavailable");
    assert.equal(answer.headers.get("retry-after"), "7");
    faulty.simulator.faults.add({ on: "POST /v1/servers", times: 1, action: { drop: "reply" } });
    await assert.rejects(faulty.call("POST", "/servers", serverOrder()), { code: "Lost" });
    assert.equal(outcome(await faulty.call("POST", "/servers", serverOrder())), "409 uniqueness_error");
  });
});

describe("catalog", () => {
  test("finds images by name and architecture, deprecated ones only when asked", async () => {
    const { call } = createProject();
    const ubuntu = await call("GET", "/images?name=ubuntu-24.04&architecture=arm&include_deprecated=true");
    assert.deepEqual(
      ubuntu.body.images.map(({ name, architecture }) => `${name} ${architecture}`),
      ["ubuntu-24.04 arm"],
    );
    assert.equal((await call("GET", "/images?name=centos-7")).body.images.length, 0);
    assert.equal((await call("GET", "/images?name=centos-7&include_deprecated=true")).body.images.length, 2);
    assert.equal(outcome(await call("GET", `/images/${ubuntu.body.images[0]?.id}`)), "200");
  });

  test("offers server types, locations and data centers by name and by ID", async () => {
    const { call } = createProject();
    const { body } = await call("GET", "/server_types?name=cax11");
    assert.deepEqual(
      body.server_types.map(({ name }) => name),
      ["cax11"],
    );
    assert.equal(outcome(await call("GET", `/server_types/${body.server_types[0]?.id}`)), "200");
    assert.equal(outcome(await call("GET", "/server_types/99999")), "404 not_found");
    for (const path of ["/server_types", "/locations", "/locations?name=nbg1", "/datacenters", "/datacenters/4"]) {
      assert.equal(outcome(await call("GET", path)), "200");
    }
  });
});

describe("named resources", () => {
  test("SSH keys are unique by name and by fingerprint", async () => {
    const { call } = createProject();
    const { body } = await call("POST", "/ssh_keys", { name: "mine", public_key: `${KEY} me@example.com` });
    assert.match(body.ssh_key.fingerprint, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
    assert.equal(outcome(await call("POST", "/ssh_keys", { name: "other", public_key: KEY })), "409 uniqueness_error");
    assert.equal(
      outcome(await call("POST", "/ssh_keys", { name: "bad", public_key: "ssh-rsa x" })),
      "422 invalid_input",
    );
    const byFingerprint = await call("GET", `/ssh_keys?fingerprint=${body.ssh_key.fingerprint}`);
    assert.equal(byFingerprint.body.meta.pagination["total_entries"], 1);
    assert.equal(outcome(await call("DELETE", `/ssh_keys/${body.ssh_key.id}`)), "204");
    assert.equal(outcome(await call("POST", "/ssh_keys", { name: "mine", public_key: KEY })), "201");
  });

  test("a network finds the next free subnet, and its servers lose it when it is deleted", async () => {
    const { call } = createProject();
    const subnet = { type: "cloud", network_zone: "eu-central" };
    const created = await call("POST", "/networks", { name: "n", ip_range: "10.0.0.0/16", subnets: [subnet, subnet] });
    const { id, subnets } = created.body.network;
    assert.deepEqual(
      subnets.map(({ ip_range }) => ip_range),
      ["10.0.0.0/24", "10.0.1.0/24"],
    );
    assert.equal(
      outcome(await call("POST", `/networks/${id}/actions/add_subnet`, { ...subnet, ip_range: "10.0.8.0/24" })),
      "201",
    );
    const overlap = { ...subnet, ip_range: "10.0.8.0/25" };
    assert.equal(outcome(await call("POST", `/networks/${id}/actions/add_subnet`, overlap)), "422 invalid_input");
    assert.equal(outcome(await call("POST", "/networks", { name: "m", ip_range: "8.8.0.0/16" })), "422 invalid_input");
    assert.equal(outcome(await call("PUT", `/networks/${id}`, { labels: { a: "b" } })), "200");
    const { server } = (await call("POST", "/servers", serverOrder({ networks: [id] }))).body;
    assert.equal(outcome(await call("GET", `/networks/${id}`)), "200");
    assert.equal(outcome(await call("DELETE", `/networks/${id}`)), "204");
    assert.equal(outcome(await call("GET", `/networks/${id}`)), "404 not_found");
    assert.deepEqual((await call("GET", `/servers/${server.id}`)).body.server.private_net, []);
  });

  test("a network can be attached to a running server, once", async () => {
    const { call, clock } = createProject();
    const subnets = [{ type: "cloud", network_zone: "eu-central" }];
    const { network } = (await call("POST", "/networks", { name: "n", ip_range: "10.0.0.0/16", subnets })).body;
    const { server } = (await call("POST", "/servers", serverOrder())).body;
    await clock.advance(1000);
    const attach = `/servers/${server.id}/actions/attach_to_network`;
    assert.equal(outcome(await call("POST", attach, { network: network.id })), "201");
    await clock.advance(1000);
    assert.equal((await call("GET", `/servers/${server.id}`)).body.server.private_net[0]?.ip, "10.0.0.2");
    assert.equal(outcome(await call("POST", attach, { network: network.id })), "422 server_already_attached");
    assert.equal(outcome(await call("POST", attach, { network: 1 })), "404 not_found");
  });

  test("a firewall shows its servers and stays while they are there", async () => {
    const { call } = createProject();
    const rules = [{ direction: "in", protocol: "tcp", port: "22", source_ips: ["0.0.0.0/0"] }];
    const { firewall } = (await call("POST", "/firewalls", { name: "ssh", rules })).body;
    assert.equal(outcome(await call("POST", "/firewalls", { name: "ssh" })), "409 uniqueness_error");
    const wrong = [{ direction: "up", protocol: "tcp", port: "22" }];
    assert.equal(outcome(await call("POST", "/firewalls", { name: "x", rules: wrong })), "422 invalid_input");
    const { server } = (await call("POST", "/servers", serverOrder({ firewalls: [{ firewall: firewall.id }] }))).body;
    const { body } = await call("GET", `/firewalls/${firewall.id}`);
    assert.deepEqual(
      body.firewall.applied_to.map((entry) => entry.server.id),
      [server.id],
    );
    assert.equal(outcome(await call("DELETE", `/firewalls/${firewall.id}`)), "422 resource_in_use");
  });

  test("placement groups are found by type and label", async () => {
    const { call } = createProject();
    await call("POST", "/placement_groups", { name: "a", type: "spread", labels: { x: "1" } });
    assert.equal(outcome(await call("POST", "/placement_groups", { name: "b", type: "cluster" })), "422 invalid_input");
    const found = await call("GET", "/placement_groups?type=spread&label_selector=x");
    assert.equal(found.body.meta.pagination["total_entries"], 1);
  });
});

function rateOf({ headers }: Answer): (string | null)[] {
  return ["limit", "remaining", "reset"].map((name) => headers.get(`RateLimit-${name}`));
}
