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

test("a read sees the last write, of this transaction's commit too, and nothing of one that was undone", async () => {
  const storage = openStorage({ database: ":memory:" });
  assert.equal(storage.get(key), undefined);
  await storage.write((transaction) => transaction.put(key, object("one")));
  assert.match(storage.get(key)?.json ?? "", /one/);
  await storage.write((transaction) => transaction.put(key, object("two")));
  assert.match(storage.get(key)?.json ?? "", /two/);
  const fails = storage.write((transaction) => {
    transaction.put(key, object("three"));
    throw new Error("undone");
  });
  await assert.rejects(fails, /undone/);
  assert.match(storage.get(key)?.json ?? "", /two/);
  await storage.write((transaction) => transaction.remove(key, object("two")));
  assert.equal(storage.get(key), undefined);
  storage.close();
});

test("more rows than are remembered are all read as they are", async () => {
  const storage = openStorage({ database: ":memory:" });
  const names = Array.from({ length: 1_200 }, (_, index) => `map-${index}`);
  for (const name of names) await storage.write((transaction) => transaction.put({ ...key, name }, object(name)));
  for (const name of names) assert.match(storage.get({ ...key, name })?.json ?? "", new RegExp(`"text":"${name}"`));
  storage.close();
});
