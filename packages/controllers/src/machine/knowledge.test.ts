import type { Instance } from "@machine-controller/provider";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Knowledge, sawAbsence, sawInstance, sawNodeReady, sawOthers, withAccount } from "./knowledge.ts";

const instance: Instance = { id: "1", name: "m", machineUid: "me", addresses: [], status: "running" };
const absent: Knowledge = { account: "a", absent: { firstAt: 10, lastAt: 20 }, unlistedAt: 15 };

test("absence lasts from its first read to its last, and ends what was present", () => {
  const once = sawAbsence({ present: { at: 5, instance } }, 10);
  assert.deepEqual(once, { absent: { firstAt: 10, lastAt: 10 } });
  assert.deepEqual(sawAbsence(once, 20), { absent: { firstAt: 10, lastAt: 20 } });
});

test("presence, a Ready Node and another account each end absence", () => {
  assert.deepEqual(sawInstance(absent, instance, 30), { account: "a", present: { at: 30, instance } });
  assert.deepEqual(sawNodeReady(absent), { account: "a" });
  assert.deepEqual(withAccount(absent, "b"), { account: "b" });
  assert.equal(withAccount(absent, "a"), absent);
});

test("that another one is there outlasts a Ready Node and the first word of an account, and an older read says nothing of it", () => {
  const displaced = sawOthers({}, 10);
  assert.deepEqual(displaced, { unlistedAt: 10, isDisplaced: true });
  assert.equal(sawNodeReady(displaced), displaced);
  assert.deepEqual(withAccount(displaced, "a"), { ...displaced, account: "a" });
  assert.deepEqual(sawInstance(displaced, instance, 30), { present: { at: 30, instance } });
  const present = { present: { at: 30, instance } };
  assert.equal(sawOthers(present, 20), present);
});

test("an older read does not replace a newer one", () => {
  const newer = sawInstance({}, instance, 30);
  assert.equal(sawInstance(newer, { ...instance, status: "creating" }, 20), newer);
});
