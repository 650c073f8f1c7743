// Snapshot → decision, as tables. Times are seconds; a snapshot is a Machine of the provider `fake` with what differs.
import type { Machine } from "@machine-controller/api";
import {
  ANNOTATION_ABANDON,
  ANNOTATION_CONFIRM_GONE,
  ANNOTATION_INITIALIZERS,
  ANNOTATION_SKIP_EVICTION,
  FINALIZER_INSTANCE,
  FINALIZER_NODE,
} from "@machine-controller/api/well-known";
import type { Node } from "@machine-controller/kube-client";
import { type Idempotency, type Instance, type Provider, ProviderError } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineManifest, nodeManifest } from "../testing/world.ts";
import { decide } from "./decide.ts";
import type { Knowledge } from "./knowledge.ts";
import { nodePatch } from "./node-metadata.ts";
import type { Fleet, Snapshot } from "./snapshot.ts";
import { liveStatus } from "./status.ts";

const NOW = 10_000;
const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString();
const OURS = [FINALIZER_INSTANCE, FINALIZER_NODE];
const INTENT = { token: "me", attempt: 1, at: iso(9_000), provider: "fake", account: "a" };
const RECORD = { id: "1", provider: "fake", account: "a", attempt: 1, at: iso(9_000) };
const INSTANCE: Instance = { id: "1", name: "m", machineUid: "me", addresses: [], status: "running" };
const SEEN = { account: "a", present: { at: NOW * 1_000, instance: INSTANCE } };
const FLEET: Fleet = { listedAtMs: 1, missing: 1, recorded: 9, showsSibling: true };
const ABSENT = { absent: { firstAt: 9_990_000, lastAt: 9_999_000 }, unlistedAt: 9_979_000 };
const DELETION = { firstAt: 9_980_000, lastAt: 9_980_000, seen: true };
const DRAINED = { firstAt: 9_999_000, at: 9_999_000, blockers: [] };
const SUPPOSED: Knowledge = { account: "a", validated: "key", userData: { text: "", at: NOW * 1_000 } };

type Case = Partial<Omit<Snapshot, "machine" | "provider" | "options" | "fleet">> & {
  machine?: { metadata?: object; status?: object };
  kind?: Idempotency["class"];
  options?: Partial<Snapshot["options"]>;
  fleet?: Partial<Fleet>;
};

function snapshotOf({ machine = {}, kind = "unique-name", options, fleet, ...rest }: Case): Snapshot {
  const provider = { name: "fake", idempotency: { class: kind, settleMs: 10_000, consistencyMs: 3_000 } };
  return {
    nowMs: NOW * 1_000,
    leadingSinceMs: 8_000_000,
    machine: machineManifest({ ...machine, metadata: { name: "m", uid: "me", ...machine.metadata } }) as Machine,
    specKey: "key",
    machineSet: undefined,
    machineDeployment: undefined,
    provider: provider as Provider,
    intent: undefined,
    record: undefined,
    knowledge: {},
    node: undefined,
    ownedNodes: rest.node ? [rest.node] : [],
    fleet: () => ({ ...FLEET, ...fleet }),
    canEvict: true,
    options: {
      externalCloudProvider: false,
      joinClusterTimeoutMs: undefined,
      skipEvictionAfterMs: 7_200_000,
      ...options,
    },
    ...rest,
  };
}

const node = (ready = "True", spec: object = {}): Node => {
  const plain = nodeManifest("m", { machineUid: "me", address: "10.0.0.1", ready }) as Node;
  const bare: Node = { ...plain, metadata: { ...plain.metadata, uid: "n" }, spec: { ...plain.spec, ...spec } };
  const patch = nodePatch(snapshotOf({}), bare)?.["metadata"] as Node["metadata"];
  return { ...bare, metadata: { ...bare.metadata, ...patch } };
};

const ready = node();
const unevicted: Node = { ...ready, metadata: { ...ready.metadata, annotations: { [ANNOTATION_SKIP_EVICTION]: "" } } };

/** The case with the status that it leads to, so that what comes after the status is decided. */
function settled(input: Case): Case {
  const status = liveStatus(snapshotOf(input))?.["status"] as object | undefined;
  return { ...input, machine: { ...input.machine, status: { ...input.machine?.status, ...status } } };
}

const living = (input: Case): Case => settled({ record: RECORD, intent: INTENT, knowledge: SEEN, ...input });
const dying = (input: Case): Case => ({
  record: RECORD,
  intent: INTENT,
  ...input,
  machine: {
    ...input.machine,
    metadata: { finalizers: OURS, deletionTimestamp: iso(9_900), ...input.machine?.metadata },
  },
});
const LOST_ITS_NODE = { status: { versions: { kubelet: "v1" } } };
const lostSince = (seconds: number) => ({
  status: {
    versions: { kubelet: "v1" },
    conditions: [
      { type: "NodeReady", status: "False", reason: "NodeLost", message: "", lastTransitionTime: iso(seconds) },
    ],
  },
});
/** Past its join timeout, and told so. */
function overdue(input: Case): Case {
  const late = living({ ...input, options: { joinClusterTimeoutMs: 999_000 } });
  const decision = decide(snapshotOf(late));
  const { status, metadata } = (decision.kind === "patch-machine" ? decision.patch : {}) as Case["machine"] & object;
  return {
    ...late,
    machine: {
      ...late.machine,
      metadata: { ...late.machine?.metadata, ...metadata },
      status: { ...late.machine?.status, ...status },
    },
  };
}
const failure = (retryAt: number, specKey = "key"): Knowledge => ({
  failure: { error: new ProviderError("Unavailable", "out of order"), specKey, count: 1, retryAtMs: retryAt * 1_000 },
});

const ASKED = {
  intent: INTENT,
  kind: "tag-scan",
  knowledge: { ...SUPPOSED, intentIsFresh: true, createAskedAt: 9_979_000 },
} as const;

const TABLES: Record<string, [string, Case, kind: string, why: RegExp, untilSeconds?: number][]> = {
  creation: [
    ["a bare Machine", {}, "identify", /account/],
    ["an account, and nothing checked", { knowledge: { account: "a" } }, "validate", /invalid spec/],
    ["a checked spec", { knowledge: { account: "a", validated: "key" } }, "prepare-user-data", /join/],
    ["a spec that changed since", { knowledge: { ...SUPPOSED, validated: "old" } }, "validate", /invalid spec/],
    ["all that creation needs", { knowledge: SUPPOSED }, "patch-machine", /intent is written down before/],
    [
      "our finalizer without an intent",
      { machine: { metadata: { finalizers: OURS } }, knowledge: SUPPOSED },
      "look-up",
      /no intent/,
    ],
    [
      "an intent of its own",
      { intent: INTENT, knowledge: { ...SUPPOSED, intentIsFresh: true } },
      "create",
      /no instance exists/,
    ],
    ["an intent of a predecessor", { intent: INTENT, knowledge: SUPPOSED }, "look-up", /earlier process/],
    [
      "our finalizer without an intent, absent, and a Ready Node",
      { machine: { metadata: { finalizers: OURS } }, node: node(), knowledge: { ...SUPPOSED, ...ABSENT } },
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "our finalizer without an intent, absent, and a Node that is not Ready",
      { machine: { metadata: { finalizers: OURS } }, node: node("Unknown"), knowledge: { ...SUPPOSED, ...ABSENT } },
      "patch-machine",
      /intent is written down before/,
    ],
    [
      "a predecessor's intent, absent",
      { intent: INTENT, knowledge: { ...SUPPOSED, ...ABSENT } },
      "create",
      /no instance/,
    ],
    [
      "another account, and an earlier request may be under way there",
      { intent: INTENT, leadingSinceMs: 9_995_000, knowledge: { ...SUPPOSED, ...ABSENT, account: "b" } },
      "wait",
      /former credential/,
      10_005,
    ],
    [
      "tag-scan: a lost answer just now",
      { intent: INTENT, kind: "tag-scan", knowledge: { ...SUPPOSED, intentIsFresh: true, createAskedAt: 9_995_000 } },
      "wait",
      /may still show up/,
      10_005,
    ],
    [
      "tag-scan: it had its time",
      { intent: INTENT, kind: "tag-scan", knowledge: { ...SUPPOSED, intentIsFresh: true, createAskedAt: 9_989_500 } },
      "look-up",
      /had time/,
    ],
    [
      "tag-scan: nothing showed up",
      { ...ASKED, knowledge: { ...ASKED.knowledge, ...ABSENT, unlistedAt: 9_988_000 } },
      "look-up",
      /others may be missing/,
    ],
    [
      "tag-scan: nothing showed up, the others do",
      { ...ASKED, knowledge: { ...ASKED.knowledge, ...ABSENT, unlistedAt: 9_999_000 } },
      "create",
      /no instance exists/,
    ],
    [
      "tag-scan: nothing showed up, and neither do the others",
      { ...ASKED, fleet: { missing: 9 }, knowledge: { ...ASKED.knowledge, ...ABSENT, unlistedAt: 9_999_000 } },
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "user data that went stale",
      { intent: INTENT, knowledge: { ...SUPPOSED, intentIsFresh: true, userData: { text: "", at: 9_000_000 } } },
      "prepare-user-data",
      /join/,
    ],
    [
      "an instance that is seen",
      { intent: INTENT, knowledge: SEEN },
      "patch-machine",
      /instance 1 exists and is not recorded/,
    ],
    [
      "an intent for another cloud",
      { intent: { ...INTENT, provider: "other" }, knowledge: SUPPOSED },
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "another account since the intent",
      { intent: INTENT, knowledge: { ...SUPPOSED, account: "b", intentIsFresh: true } },
      "look-up",
      /credential changed/,
    ],
    [
      "another account that shows nothing of ours",
      { intent: INTENT, fleet: { showsSibling: false }, knowledge: { ...SUPPOSED, ...ABSENT, account: "b" } },
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "another account that shows a sibling",
      { intent: INTENT, knowledge: { ...SUPPOSED, ...ABSENT, account: "b" } },
      "create",
      /no instance exists/,
    ],
    ["paused", { machine: { metadata: { annotations: { [ANNOTATION_INITIALIZERS]: "x" } } } }, "wait", /pauses/],
    ["a failure that is not shown", { knowledge: failure(10_005) }, "patch-machine", /failure is not in the status/],
    ["a failure whose time is over", { knowledge: failure(10_000) }, "identify", /account/],
    ["a failure with another spec", { knowledge: failure(10_005, "old") }, "identify", /account/],
  ],
  life: [
    ["a new Node", { record: RECORD, node: { ...node(), metadata: { name: "m", uid: "n" } } }, "patch-node", /lacks/],
    ["a Node that is not in the status", { record: RECORD, node: node() }, "patch-machine", /Machine says otherwise/],
    ["a Ready Node", living({ node: node() }), "wait", /Node is Ready/],
    ["no Node, and seen just now", living({}), "wait", /not joined or is not Ready/, 10_060],
    [
      "no Node, and not seen for long",
      living({ knowledge: { ...SEEN, present: { at: 9_000_000, instance: INSTANCE } } }),
      "look-up",
      /may have changed/,
    ],
    ["a restarted process", living({ knowledge: {} }), "identify", /asked about/],
    ["a failing cloud", living({ knowledge: { ...SEEN, ...failure(10_007) } }), "wait", /out of order/, 10_007],
    [
      "a failing cloud and a Ready Node",
      living({ node: node(), knowledge: { ...SEEN, ...failure(10_007) } }),
      "wait",
      /Node is Ready/,
    ],
    [
      "a spec that names another cloud",
      { record: { ...RECORD, provider: "other" } },
      "patch-machine",
      /doubt is shown/,
    ],
  ],
  loss: [
    [
      "a list without it",
      living({ knowledge: { account: "a", unlistedAt: 9_999_000 } }),
      "look-up",
      /list does not show/,
    ],
    [
      "absent once, just now",
      living({ knowledge: { account: "a", absent: { firstAt: 9_999_000, lastAt: 9_999_000 } } }),
      "wait",
      /second read/,
      10_002,
    ],
    [
      "absent once, a while ago",
      living({ knowledge: { account: "a", absent: { firstAt: 9_990_000, lastAt: 9_990_000 } } }),
      "look-up",
      /second read/,
    ],
    ["absent twice", living({ knowledge: { account: "a", ...ABSENT } }), "patch-machine", /is gone; a new one/],
    [
      "absent twice, and an earlier request may be under way",
      living({ knowledge: { account: "a", ...ABSENT, createAskedAt: 9_995_000 } }),
      "wait",
      /may still make another/,
      10_005,
    ],
    [
      "absent twice, and an earlier request had its time",
      living({ knowledge: { account: "a", ...ABSENT, createAskedAt: 9_985_000, unlistedAt: 9_994_000 } }),
      "look-up",
      /had time to make another/,
    ],
    [
      "absent twice, and a list since",
      living({ fleet: { listedAtMs: 9_999_500 }, knowledge: { account: "a", ...ABSENT } }),
      "look-up",
      /newer list/,
    ],
    [
      "two of nine missing: within the brake",
      living({ fleet: { missing: 2 }, knowledge: { account: "a", ...ABSENT } }),
      "patch-machine",
      /is gone; a new one/,
    ],
    [
      "three of nine missing: the brake",
      living({ fleet: { missing: 3 }, knowledge: { account: "a", ...ABSENT } }),
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "the brake, and a person's word",
      living({
        fleet: { missing: 9 },
        machine: { metadata: { annotations: { [ANNOTATION_CONFIRM_GONE]: "1" } } },
        knowledge: { account: "a", ...ABSENT },
      }),
      "patch-machine",
      /is gone; a new one/,
    ],
    [
      "a Ready Node, and a list with another one",
      living({ node: node(), knowledge: { account: "a", unlistedAt: 9_999_000, isDisplaced: true } }),
      "look-up",
      /list does not show/,
    ],
    [
      "absent twice, and another one was listed",
      living({ node: node(), knowledge: { account: "a", ...ABSENT, isDisplaced: true } }),
      "look-up",
      /another one bears/,
    ],
    [
      "another one seen since it was recorded",
      living({ knowledge: { account: "a", present: { at: 9_999_000, instance: { ...INSTANCE, id: "2" } } } }),
      "patch-machine",
      /2 exists and is not recorded/,
    ],
    [
      "another one seen before it was recorded",
      living({ knowledge: { account: "a", present: { at: 8_999_000, instance: { ...INSTANCE, id: "2" } } } }),
      "look-up",
      /may have changed/,
    ],
    [
      "another account without a sibling",
      living({ fleet: { showsSibling: false }, knowledge: { account: "b", ...ABSENT } }),
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "a cloud-controller-manager that will delete its Node",
      living({ node: node("False"), options: { externalCloudProvider: true }, knowledge: { account: "a", ...ABSENT } }),
      "patch-machine",
      /doubt is shown/,
    ],
  ],
  "join timeout": [
    [
      "before it",
      living({ machineSet: {} as never, options: { joinClusterTimeoutMs: 1_001_000 } }),
      "wait",
      /not joined/,
      10_001,
    ],
    [
      "after it, and not told",
      living({ machineSet: {} as never, options: { joinClusterTimeoutMs: 999_000 } }),
      "patch-machine",
      /says otherwise/,
    ],
    ["after it", overdue({ machineSet: {} as never }), "delete-machine", /did not join.*after it was created/],
    ["after it, standing alone", overdue({}), "wait", /not joined/, 10_060],
    [
      "after it, having joined before: from its Node's loss",
      living({ machineSet: {} as never, options: { joinClusterTimeoutMs: 50_000 }, machine: LOST_ITS_NODE }),
      "wait",
      /not joined/,
      10_050,
    ],
    [
      "after it, its Node lost for so long",
      overdue({ machineSet: {} as never, machine: lostSince(9_000) }),
      "delete-machine",
      /did not join.*after its Node was lost/,
    ],
  ],
  deletion: [
    [
      "none of our finalizers",
      dying({ machine: { metadata: { finalizers: ["other"] } } }),
      "wait",
      /none of our finalizers/,
    ],
    ["nothing known", dying({}), "identify", /account/],
    ["an account", dying({ knowledge: { account: "a" } }), "delete-instance", /being deleted/],
    ["an instance created meanwhile", dying({ record: undefined, knowledge: SEEN }), "patch-machine", /not recorded/],
    [
      "absence learnt while it lived",
      dying({ knowledge: { account: "a", ...ABSENT } }),
      "delete-instance",
      /being deleted/,
    ],
    [
      "being deleted, asked just now",
      dying({ knowledge: { account: "a", deletion: { ...DELETION, firstAt: 9_999_500, lastAt: 9_999_500 } } }),
      "wait",
      /is deleting/,
      10_000.25,
    ],
    [
      "being deleted for a while",
      dying({ knowledge: { account: "a", deletion: { ...DELETION, lastAt: 9_999_000 } } }),
      "patch-machine",
      /is shown/,
    ],
    [
      "being deleted, asked a while ago",
      dying({ knowledge: { account: "a", deletion: DELETION } }),
      "delete-instance",
      /had time/,
    ],
    [
      "seen to go",
      dying({ knowledge: { account: "a", ...ABSENT, deletion: DELETION } }),
      "patch-machine",
      /instance and Node are gone/,
    ],
    [
      "never seen to go, absent once",
      dying({
        knowledge: {
          account: "a",
          absent: { firstAt: 9_999_000, lastAt: 9_999_000 },
          deletion: { ...DELETION, seen: false },
        },
      }),
      "wait",
      /earlier request/,
      10_002,
    ],
    [
      "never seen to go, absent twice",
      dying({ knowledge: { account: "a", ...ABSENT, deletion: { ...DELETION, seen: false } } }),
      "look-up",
      /others may be missing/,
    ],
    [
      "never seen to go, absent twice, unlisted",
      dying({
        fleet: { listedAtMs: 9_999_000 },
        knowledge: { account: "a", ...ABSENT, unlistedAt: 9_999_000, deletion: { ...DELETION, seen: false } },
      }),
      "delete-instance",
      /newer list/,
    ],
    [
      "never seen to go, with most of the fleet",
      dying({
        fleet: { missing: 8 },
        knowledge: { account: "a", ...ABSENT, unlistedAt: 9_999_000, deletion: { ...DELETION, seen: false } },
      }),
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "another account",
      dying({ fleet: { showsSibling: false }, knowledge: { account: "b", ...ABSENT, deletion: DELETION } }),
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "an intent whose request may be under way",
      dying({
        record: undefined,
        leadingSinceMs: 9_995_000,
        knowledge: { account: "a", ...ABSENT, deletion: DELETION },
      }),
      "wait",
      /earlier request/,
      10_005,
    ],
    [
      "an intent that nobody fulfilled",
      dying({
        record: undefined,
        knowledge: { account: "a", intentIsFresh: true, ...ABSENT, deletion: { ...DELETION, seen: false } },
      }),
      "patch-machine",
      /gone/,
    ],
    [
      "made by the Go implementation, never seen to go, with a Ready Node",
      dying({
        record: undefined,
        intent: undefined,
        node: unevicted,
        knowledge: { account: "a", ...ABSENT, deletion: { ...DELETION, seen: false } },
      }),
      "patch-machine",
      /doubt is shown/,
    ],
    [
      "made by the Go implementation, seen to go, with a Ready Node",
      dying({
        record: undefined,
        intent: undefined,
        node: unevicted,
        knowledge: { account: "a", ...ABSENT, deletion: DELETION },
      }),
      "delete-node",
      /instance is gone/,
    ],
    [
      "an intent that an earlier process may have fulfilled",
      dying({ record: undefined, knowledge: { account: "a", ...ABSENT, deletion: { ...DELETION, seen: false } } }),
      "look-up",
      /others may be missing/,
    ],
    [
      "given up by a person",
      dying({ machine: { metadata: { annotations: { [ANNOTATION_ABANDON]: "true" } } } }),
      "patch-machine",
      /a person gave/,
    ],
    [
      "its Node is left",
      dying({ node: node("False"), knowledge: { account: "a", ...ABSENT, deletion: DELETION } }),
      "delete-node",
      /instance is gone/,
    ],
    [
      "its Node is deleted, and still shown",
      dying({ node: node("False"), knowledge: { account: "a", ...ABSENT, deletion: DELETION, deletedNodes: ["n"] } }),
      "patch-machine",
      /gone/,
    ],
  ],
  drain: [
    ["a Ready Node", dying({ node: node() }), "patch-node", /no new pod/],
    ["a cordoned Node", dying({ node: node("True", { unschedulable: true }) }), "drain", /before the instance goes/],
    [
      "pods are left",
      dying({
        node: node("True", { unschedulable: true }),
        knowledge: {
          drain: { at: 9_999_000, firstAt: 9_990_000, blockers: [{ pod: "a/b", why: "is being evicted" }] },
        },
      }),
      "patch-machine",
      /waits for is shown/,
    ],
    [
      "drained",
      dying({ node: node("True", { unschedulable: true }), knowledge: { drain: DRAINED } }),
      "look-at-volumes",
      /volumes are detached/,
    ],
    [
      "drained, its volumes detached",
      dying({
        node: node("True", { unschedulable: true }),
        knowledge: { drain: DRAINED, volumes: { firstAt: 9_999_000, at: 9_999_000, attached: [] } },
      }),
      "identify",
      /account/,
    ],
    ["nowhere to go", dying({ node: node(), canEvict: false }), "identify", /account/],
    ["a Node that is not Ready", dying({ node: node("Unknown") }), "identify", /account/],
    ["a Node that is not ours", dying({ node: node(), ownedNodes: [] }), "identify", /account/],
    ["after its time", dying({ node: node(), options: { skipEvictionAfterMs: 99_000 } }), "identify", /account/],
  ],
};

for (const [table, cases] of Object.entries(TABLES)) {
  test(table, async (t) => {
    for (const [name, input, kind, why, untilSeconds] of cases) {
      await t.test(name, () => {
        const decision = decide(snapshotOf(input));
        assert.equal(decision.kind, kind, decision.why);
        assert.match(decision.why, why);
        assert.equal(decision.kind === "wait" ? decision.untilMs : undefined, untilSeconds && untilSeconds * 1_000);
      });
    }
  });
}

test("an instance that runs is worth a write only where the status says that nobody knows", () => {
  const told = living({});
  const status: Machine["status"] = told.machine?.status;
  const withInstance = (change: object): Case => ({
    ...told,
    machine: {
      status: {
        ...status,
        conditions: status?.conditions?.map((condition) =>
          condition.type === "InstanceReady" ? { ...condition, ...change } : condition,
        ),
      },
    },
  });
  assert.equal(liveStatus(snapshotOf(told)), undefined);
  assert.equal(liveStatus(snapshotOf(withInstance({ status: "False", reason: "InstanceCreating" }))), undefined);
  assert.notEqual(liveStatus(snapshotOf(withInstance({ status: "Unknown", reason: "InstanceMissing" }))), undefined);
});
