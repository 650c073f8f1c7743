import type { Machine, NodeAddress } from "@machine-controller/api";
import { LABEL_NODE_OWNER, providerIdOf } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { createStore } from "@machine-controller/kube-runtime";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest } from "../testing/world.ts";
import { matchNode, NODE_INDEXES, nodesOwnedBy } from "./node-match.ts";

type Shape = { owner?: string; providerID?: string; address?: string; uid?: string; created?: number };
const time = (minute = 0): string => new Date(Date.UTC(2030, 0, 1, 0, minute)).toISOString();

function storeOf(shapes: Record<string, Shape>) {
  const store = createStore<Node>(NODE_INDEXES);
  for (const [name, { owner, providerID, address, uid = name, created = 20 }] of Object.entries(shapes)) {
    store.set({
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        uid,
        creationTimestamp: time(created),
        ...(owner && { labels: { [LABEL_NODE_OWNER]: owner } }),
      },
      ...(providerID && { spec: { providerID } }),
      status: { addresses: address ? [{ type: "InternalIP", address }] : [] },
    });
  }
  return store;
}
const ADDRESSES: NodeAddress[] = [{ type: "InternalIP", address: "10.0.0.1" }];
const machineOf = (object: object = {}): Machine =>
  machineManifest({ metadata: { name: "m", uid: "me", creationTimestamp: time(10) }, ...object }) as Machine;

const OWN_ID = providerIdOf("fake", "me");
/** What there is → the name of the Node that is matched. Machines `me` and `alive` exist, `dead` does not. */
const TABLE: [
  string,
  Record<string, Shape>,
  string | undefined,
  { provider?: string; cloudId?: string; machine?: object }?,
][] = [
  [
    "our label on the one with its provider ID",
    { b: { providerID: OWN_ID }, a: { owner: "me", providerID: OWN_ID } },
    "a",
  ],
  ["our label on the one with its name", { m: { owner: "me" }, b: { providerID: OWN_ID } }, "m"],
  ["not our label alone, which any kubelet can write", { a: { owner: "me", providerID: "x://1" }, b: {} }, undefined],
  ["not our label where its provider ID says another", { a: { owner: "me" }, b: { providerID: OWN_ID } }, "b"],
  [
    "the one it refers to, with our label, whatever else",
    { a: { owner: "me", uid: "1" }, b: { providerID: OWN_ID } },
    "a",
    { machine: { status: { nodeRef: { name: "a", uid: "1" } } } },
  ],
  [
    "not the one it refers to, made anew with our label by its kubelet",
    { a: { owner: "me", uid: "2" } },
    undefined,
    { machine: { status: { nodeRef: { name: "a", uid: "1" } } } },
  ],
  ["its provider ID, in any case", { a: { providerID: OWN_ID.toUpperCase() } }, "a"],
  [
    "the provider ID that the cloud gives, in any case",
    { a: { providerID: "AWS:///I-1" } },
    "a",
    { cloudId: "aws:///i-1" },
  ],
  ["not a provider ID whose Node a living Machine owns", { a: { providerID: OWN_ID, owner: "alive" } }, undefined],
  ["but one whose owner is gone", { a: { providerID: OWN_ID, owner: "dead" } }, "a"],
  ["an address, if the Node is younger than the Machine", { a: { address: "10.0.0.1" } }, "a"],
  ["not an address of an older Node", { a: { address: "10.0.0.1", created: 1 } }, undefined],
  ["unless it also bears the name", { m: { address: "10.0.0.1", created: 1 } }, "m"],
  ["not an address of a Node that a living Machine owns", { a: { address: "10.0.0.1", owner: "alive" } }, undefined],
  [
    "not an address of a Node with another instance's ID",
    { a: { address: "10.0.0.1", providerID: "x://1" } },
    undefined,
  ],
  ["on hetzner, not an address without the name", { a: { address: "10.0.0.1" } }, undefined, { provider: "hetzner" }],
  ["not a name alone", { m: { address: "10.9.9.9" } }, undefined],
  [
    "not the Node it refers to, once another one bears its name",
    { a: {} },
    undefined,
    { machine: { status: { nodeRef: { name: "a", uid: "old" } } } },
  ],
];
for (const [name, shapes, expected, { provider = "fake", cloudId, machine } = {}] of TABLE) {
  test(`a Machine's Node is found by ${name}`, () => {
    const input = { machine: machineOf(machine), provider, instanceProviderId: cloudId, addresses: ADDRESSES };
    const node = matchNode(storeOf(shapes), input, (uid) => uid === "me" || uid === "alive");
    assert.equal(node?.metadata.name, expected);
  });
}

const OWNED: [string, Record<string, Shape>, object, string[]][] = [
  [
    "those that carry its label, and the one it refers to",
    { a: { owner: "me" }, b: { uid: "1" }, c: {} },
    { name: "b", uid: "1" },
    ["b", "a"],
  ],
  ["not one that took the name of the one it refers to", { b: { uid: "2" } }, { name: "b", uid: "1" }, []],
  ["not one that another Machine took over", { b: { uid: "1", owner: "alive" } }, { name: "b", uid: "1" }, []],
  ["one that joined under its provider ID and has no label yet", { a: { providerID: OWN_ID } }, {}, ["a"]],
];
for (const [name, shapes, nodeRef, expected] of OWNED) {
  test(`with a Machine go: ${name}`, () => {
    const found = nodesOwnedBy(storeOf(shapes), machineOf({ status: { nodeRef } }), "fake");
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      expected,
    );
  });
}
