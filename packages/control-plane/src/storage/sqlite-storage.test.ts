import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { KubeObject } from "../object.ts";
import { openStorage } from "./sqlite-storage.ts";
import { StorageError } from "./storage-error.ts";
import type { Change, Storage } from "./storage.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "storage-test-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function object(name: string, value = 0): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Thing",
    metadata: { name, uid: name, resourceVersion: "", creationTimestamp: "" },
    value,
  };
}

const keyOf = (name: string) => ({ resource: "things", namespace: "", name });

async function put(storage: Storage, name: string, value = 0): Promise<KubeObject> {
  return storage.write((transaction) => transaction.put(keyOf(name), object(name, value)));
}

test("each write gets the next revision, written into the object", async (t) => {
  const storage = openStorage({ path: ":memory:" });
  t.after(() => storage.close());
  const first = await put(storage, "a");
  const second = await put(storage, "a", 1);
  assert.equal(Number(second.metadata.resourceVersion), Number(first.metadata.resourceVersion) + 1);
  assert.equal((JSON.parse(storage.get(keyOf("a"))?.json ?? "") as KubeObject)["value"], 1);
});

test("writes of one turn share a commit, and one that fails fails alone", async (t) => {
  const deferred: (() => void)[] = [];
  const storage = openStorage({ path: ":memory:", defer: (commit) => deferred.push(commit) });
  t.after(() => storage.close());
  const commits: number[] = [];
  storage.subscribe((changes) => commits.push(changes.length));
  const writes = [
    put(storage, "a"),
    storage.write(() => {
      throw new Error("no");
    }),
    put(storage, "b"),
  ];
  assert.equal(storage.get(keyOf("a")), undefined);
  assert.equal(deferred.length, 1);
  for (const commit of deferred) commit();
  const settled = await Promise.allSettled(writes);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(commits, [2]);
  assert.equal(storage.revision, 2);
});

test("a listener that writes does not overtake the commit it heard of", async (t) => {
  const storage = openStorage({ path: ":memory:" });
  t.after(() => storage.close());
  const seen: string[] = [];
  storage.subscribe((changes) => {
    if (changes[0]?.name === "a") void put(storage, "b");
  });
  storage.subscribe((changes) => seen.push(...changes.map(({ name }) => name)));
  await put(storage, "a");
  assert.deepEqual(seen, ["a", "b"]);
});

test("the past can be listed until it is compacted, the present always", async (t) => {
  const storage = openStorage({ path: ":memory:", keptRevisions: 4 });
  t.after(() => storage.close());
  await put(storage, "keep");
  const at = storage.revision;
  await put(storage, "a");
  await storage.write((transaction) => transaction.remove(keyOf("keep"), object("keep")));
  assert.deepEqual(
    storage.list({ resource: "things", at }).map(({ name }) => name),
    ["keep"],
  );
  assert.deepEqual(
    storage.list({ resource: "things" }).map(({ name }) => name),
    ["a"],
  );
  for (let value = 0; value < 20; value += 1) await put(storage, "b", value);
  assert.ok(storage.compacted > at);
  assert.deepEqual(
    storage.list({ resource: "things" }).map(({ name }) => name),
    ["a", "b"],
  );
  const changes = storage.changes({ resource: "things", after: storage.compacted });
  assert.ok(changes.length > 0 && changes.every((change: Change) => change.previous !== undefined));
});

test("the file does not grow with writes to the same objects", async (t) => {
  const path = join(folder(t), "state.db");
  const storage = openStorage({ path, keptRevisions: 4 });
  for (let value = 0; value < 50; value += 1) {
    await put(storage, "a", value);
    await storage.write((transaction) => transaction.remove(keyOf("a"), object("a")));
  }
  storage.close();
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  const { rows } = database.prepare("SELECT count(*) AS rows FROM history").get() as { rows: number };
  assert.ok(rows <= 10, `${rows} rows`);
});

test("what was committed is there after the file is opened again", async (t) => {
  const path = join(folder(t), "state.db");
  const storage = openStorage({ path });
  await put(storage, "a", 7);
  storage.setSetting("secret", "x");
  const { revision } = storage;
  storage.close();
  const again = openStorage({ path });
  t.after(() => again.close());
  assert.equal((JSON.parse(again.get(keyOf("a"))?.json ?? "") as KubeObject)["value"], 7);
  assert.deepEqual([again.setting("secret"), again.revision], ["x", revision]);
});

test("files that are not ours are refused and left alone", (t) => {
  const path = join(folder(t), "state.db");
  const refusal = (code: string) => (error: unknown) => error instanceof StorageError && error.code === code;
  writeFileSync(
    path,
    "a letter to a friend, long enough to be no database header at all, or so one hopes\n".repeat(20),
  );
  const before = readFileSync(path);
  assert.throws(() => openStorage({ path }), refusal("ForeignFile"));
  assert.deepEqual(readFileSync(path), before);
  const other = join(folder(t), "other.db");
  const database = new DatabaseSync(other);
  database.exec("CREATE TABLE notes (text TEXT)");
  database.close();
  assert.throws(() => openStorage({ path: other }), refusal("ForeignFile"));
});

test("a newer format and a file in use are refused by name", (t) => {
  const path = join(folder(t), "state.db");
  const holder = openStorage({ path });
  assert.throws(
    () => openStorage({ path }),
    (error) => error instanceof StorageError && error.code === "Locked",
  );
  holder.close();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(
    () => openStorage({ path }),
    (error) => error instanceof StorageError && error.code === "NewerVersion",
  );
});

test("no acknowledged write is lost when the process is killed", async (t) => {
  const path = join(folder(t), "state.db");
  const module = new URL("./sqlite-storage.ts", import.meta.url).href;
  const program = `
    const { openStorage } = await import(${JSON.stringify(module)});
    const storage = openStorage({ path: ${JSON.stringify(path)}, defer: setImmediate });
    const writer = async (id) => {
      for (let n = 0; ; n += 1) {
        const name = id + "-" + n;
        await storage.write((tx) => tx.put({ resource: "things", namespace: "", name }, { apiVersion: "v1", kind: "Thing", metadata: { name } }));
        console.log(name);
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(writer));`;
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      program,
    ]);
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 50 * (round + 1)) child.kill("SIGKILL");
    }
    const storage = openStorage({ path });
    const stored = new Set(storage.list({ resource: "things" }).map(({ name }) => name));
    assert.ok(acknowledged.length >= 50);
    assert.deepEqual(
      acknowledged.filter((name) => !stored.has(name)),
      [],
    );
    storage.close();
  }
});
