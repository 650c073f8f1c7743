import assert from "node:assert/strict";
import { test } from "node:test";
import { openStorage } from "./sqlite-storage.ts";

const key = { resource: "configmaps", namespace: "default", name: "a" };
const object = (text: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", uid: "u", resourceVersion: "", creationTimestamp: "" },
  data: { text },
});

test("a copy of a snapshot has what was committed, and changes nothing but itself", async () => {
  const storage = openStorage({ database: ":memory:" });
  await storage.write((transaction) => transaction.put(key, object("one")));
  storage.setSetting("admin-token", "t");
  const snapshot = storage.snapshot();
  const [copy, other] = [openStorage({ database: snapshot }), openStorage({ database: snapshot })];
  assert.deepEqual([copy.revision, copy.setting("admin-token")], [storage.revision, "t"]);
  assert.equal(copy.get(key)?.json, storage.get(key)?.json);
  await copy.write((transaction) => transaction.put(key, object("two")));
  assert.match(copy.get(key)?.json ?? "", /two/);
  for (const untouched of [storage, other]) assert.match(untouched.get(key)?.json ?? "", /one/);
  for (const each of [storage, copy, other]) each.close();
});

test("what is no snapshot of ours is refused", () => {
  assert.throws(() => openStorage({ database: Buffer.from("no database") }), { name: "StorageError" });
});

test("objects are found by a word of their text, the current ones alone", async () => {
  const storage = openStorage({ database: ":memory:" });
  await storage.write((transaction) => transaction.put(key, object("old word")));
  await storage.write((transaction) => transaction.put(key, object("new")));
  await storage.write((transaction) => transaction.put({ ...key, name: "b" }, object("some word")));
  const found = (...words: [string, string]): string[] => Array.from(storage.mentioning(...words), ({ name }) => name);
  assert.deepEqual(
    [found("word", "none"), found("none", "new"), found("word", "new").toSorted()],
    [["b"], ["a"], ["a", "b"]],
  );
  storage.close();
});
