import assert from "node:assert/strict";
import { test } from "node:test";
import { type Server, toInstance } from "./server.ts";

const server: Server = {
  id: 42,
  name: "node-1",
  status: "running",
  labels: { "machine-uid": "uid-1", "machine-cluster-uid": "cluster-1", team: "a" },
  public_net: { ipv4: { ip: "192.0.2.7" }, ipv6: { ip: "2001:db8:1234::/64" } },
  private_net: [{ ip: "10.0.1.2" }, {}],
  placement_group: { id: 7 },
};
const externalOf = (ip: string) =>
  toInstance({ ...server, public_net: { ipv4: null, ipv6: { ip } }, private_net: [] }).addresses[0]?.address;

test("a server is an instance with its marks, addresses and placement group", () => {
  assert.deepEqual(toInstance(server), {
    id: "42",
    name: "node-1",
    providerId: "hcloud://42",
    machineUid: "uid-1",
    clusterUid: "cluster-1",
    addresses: [
      { type: "InternalIP", address: "10.0.1.2" },
      { type: "ExternalIP", address: "192.0.2.7" },
      { type: "ExternalIP", address: "2001:db8:1234::1" },
    ],
    status: "running",
    resources: { placementGroup: "7" },
  });
});

test("what a server does not have is left out", () => {
  const bare = toInstance({
    ...server,
    labels: {},
    public_net: { ipv4: null, ipv6: null },
    private_net: [],
    placement_group: null,
  });
  assert.deepEqual(bare.addresses, []);
  assert.equal(bare.machineUid, undefined);
  assert.ok(!("resources" in bare));
});

test("the IPv6 address is the first of the network, in canonical form", () => {
  assert.equal(externalOf("2001:db8::/64"), "2001:db8::1");
  assert.equal(externalOf("2001:DB8:0:0:0:0:0:0/64"), "2001:db8::1");
  assert.equal(externalOf("2001:0db8:0001:0002::/64"), "2001:db8:1:2::1");
  assert.equal(externalOf("2001:db8:0:1:1:0:0:0/64"), "2001:db8:0:1:1::1");
  assert.equal(externalOf("2001:db8:1:2:3:4:5:10/64"), "2001:db8:1:2:3:4:5:11");
  assert.equal(externalOf("2001:db8::1/64"), "2001:db8::1");
});

test("only deleting, initializing and running say something about the instance", () => {
  const statuses = {
    initializing: "creating",
    running: "running",
    deleting: "deleting",
    off: "unknown",
    starting: "unknown",
  };
  for (const [status, expected] of Object.entries(statuses)) {
    assert.equal(toInstance({ ...server, status }).status, expected);
  }
});
