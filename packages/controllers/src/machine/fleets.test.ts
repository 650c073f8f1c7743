import type { Machine } from "@machine-controller/api";
import { ANNOTATION_INSTANCE } from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest } from "../testing/world.ts";
import { createFleets } from "./fleets.ts";
import type { InstanceList } from "./instance-lists.ts";

const LISTED = 1_000_000;
const iso = (ms: number): string => new Date(ms).toISOString();

function machine(id: string, more: { deleted?: true | "seen"; at?: number; status?: object } = {}): Machine {
  const deletedAt = more.deleted === "seen" ? { deletedAt: iso(3_000) } : {};
  const record = { id, provider: "fake", account: "a", attempt: 1, at: iso(more.at ?? 1_000), ...deletedAt };
  return machineManifest({
    metadata: {
      name: id,
      uid: id,
      annotations: { [ANNOTATION_INSTANCE]: JSON.stringify(record) },
      ...(more.deleted && { deletionTimestamp: iso(2_000) }),
    },
    ...(more.status && { status: more.status }),
  }) as Machine;
}

/** @param nodes UID of the owner → what its Ready condition says. */
function setUp(machines: Machine[], { shown = [], nodes = {} }: { shown?: string[]; nodes?: Record<string, string> }) {
  const clock = { at: LISTED, now: () => clock.at };
  const list: InstanceList = { startedAtMs: LISTED, byMachineUid: new Map(), ids: new Set(shown) };
  let counts = 0;
  const byOwner = (uid: string): Partial<Node>[] =>
    nodes[uid] === undefined ? [] : [{ status: { conditions: [{ type: "Ready", status: nodes[uid] }] } } as never];
  const informers = {
    machines: { store: { byIndex: () => ((counts += 1), machines) } },
    nodes: { store: { byIndex: (_name: string, uid: string) => byOwner(uid) } },
  };
  const lists = { latest: (account: string) => (account === "a" ? list : undefined) };
  const fleets = createFleets({ informers, lists, clock } as never);
  return { fleets, clock, counts: () => counts };
}

test("where nothing is shown, Machines that are being deleted are missed until their Nodes say the same", () => {
  const dying = (id: string, status?: object) => machine(id, { deleted: true, ...(status && { status }) });
  const joined = { versions: { kubelet: "v1" } };
  const seen = machine("seen", { deleted: "seen" });
  const machines = [
    dying("ready"),
    dying("never-joined"),
    dying("silent"),
    dying("left", joined),
    seen,
    machine("lost"),
  ];
  const nodes = { ready: "True", silent: "Unknown" };
  const { missing, recorded } = setUp(machines, { nodes }).fleets.of("a", "a");
  assert.deepEqual({ missing, recorded }, { missing: 3, recorded: 3 });
  const some = setUp([...machines, machine("shown")], { shown: ["shown"], nodes }).fleets.of("a", "a");
  assert.deepEqual({ missing: some.missing, recorded: some.recorded }, { missing: 1, recorded: 2 });
});

test("what was recorded after the list began is not missed, and without a list nothing is", () => {
  const { fleets } = setUp([machine("old"), machine("new", { at: LISTED })], {});
  assert.equal(fleets.of("a", "a").missing, 1);
  assert.deepEqual(fleets.of("b", "a"), { listedAtMs: undefined, missing: 0, recorded: 0, showsSibling: false });
});

test("a fleet that asks at once is counted once", () => {
  const { fleets, clock, counts } = setUp([machine("1")], {});
  for (let turn = 0; turn < 100; turn += 1) fleets.of("a", "a");
  assert.equal(counts(), 1);
  clock.at += 250;
  fleets.of("a", "a");
  assert.equal(counts(), 2);
});
