import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { KubeObject } from "../object.ts";
import { openDatabase } from "./sqlite-file.ts";
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

const byName = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);

const keyOf = (name: string) => ({ resource: "things", namespace: "", name });

async function put(storage: Storage, name: string, value = 0): Promise<KubeObject> {
  return storage.write((transaction) => transaction.put(keyOf(name), object(name, value)));
}

test("each write gets the next revision, written into the object", async (t) => {
  const storage = openStorage({ database: ":memory:" });
  t.after(() => storage.close());
  const first = await put(storage, "a");
  const second = await put(storage, "a", 1);
  assert.equal(Number(second.metadata.resourceVersion), Number(first.metadata.resourceVersion) + 1);
  assert.equal((JSON.parse(storage.get(keyOf("a"))?.json ?? "") as KubeObject)["value"], 1);
});

test("writes of one turn share a commit, and one that fails fails alone", async (t) => {
  const deferred: (() => void)[] = [];
  const storage = openStorage({ database: ":memory:", defer: (commit) => deferred.push(commit) });
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
  const storage = openStorage({ database: ":memory:" });
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
  const storage = openStorage({ database: ":memory:", keptRevisions: 4 });
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
  const changes = [...storage.changes({ resource: "things", after: storage.compacted })];
  assert.ok(changes.length > 0 && changes.every((change: Change) => change.previous !== undefined));
});

test("every kept revision is listed as it was, and its changes lead to the present", async () => {
  const step = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), isRemoval: fc.boolean(), value: fc.nat(9) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      async (steps, keptRevisions) => {
        const storage = openStorage({ database: ":memory:", keptRevisions });
        const state = new Map<string, string>();
        const states = [new Map(state)];
        for (const { name, isRemoval, value } of steps) {
          if (isRemoval && !state.has(name)) continue;
          await storage.write((transaction) =>
            isRemoval
              ? transaction.remove(keyOf(name), object(name))
              : transaction.put(keyOf(name), object(name, value)),
          );
          if (isRemoval) state.delete(name);
          else state.set(name, storage.get(keyOf(name))?.json ?? "");
          states.push(new Map(state));
        }
        for (let at = storage.compacted; at <= storage.revision; at += 1) {
          const then = [...(states[at] ?? [])].sort(byName);
          for (const isLazy of [false, true]) {
            const listed = storage.list({ resource: "things", at, isLazy });
            assert.deepEqual(
              listed.map(({ name, json }) => [name, json]),
              then,
            );
          }
          assert.deepEqual(
            storage
              .list({ resource: "things", at, limit: 2, after: { namespace: "", name: "a" } })
              .map(({ name }) => name),
            then
              .map(([name]) => name)
              .filter((name) => name > "a")
              .slice(0, 2),
          );
          const replayed = new Map(then);
          for (const { type, name, json, previous } of storage.changes({ resource: "things", after: at })) {
            assert.equal(previous, replayed.get(name));
            if (type === "DELETED") replayed.delete(name);
            else replayed.set(name, json);
          }
          assert.deepEqual(replayed, state);
        }
        storage.close();
      },
    ),
    { numRuns: 60 },
  );
});

test("the file does not grow with writes to the same objects", async (t) => {
  const path = join(folder(t), "state.db");
  const storage = openStorage({ database: path, keptRevisions: 4 });
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
  const storage = openStorage({ database: path });
  await put(storage, "a", 7);
  storage.setSetting("secret", "x");
  const { revision } = storage;
  storage.close();
  const again = openStorage({ database: path });
  t.after(() => again.close());
  assert.equal((JSON.parse(again.get(keyOf("a"))?.json ?? "") as KubeObject)["value"], 7);
  assert.deepEqual([again.setting("secret"), again.revision], ["x", revision]);
});

test("a commit waits until the disk has it", (t) => {
  const database = openDatabase(join(folder(t), "state.db"));
  t.after(() => database.close());
  const value = (pragma: string): unknown => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
  const FULL = 2;
  assert.deepEqual([value("synchronous"), value("journal_mode")], [FULL, "wal"]);
});

test("where no file can be made, it is said which", () => {
  const database = "/proc/self/state.db";
  assert.throws(
    () => openStorage({ database }),
    (error) => error instanceof StorageError && error.code === "CannotOpen" && error.message.includes(database),
  );
});

test("files that are not ours are refused and left alone", (t) => {
  const path = join(folder(t), "state.db");
  const refusal = (code: string) => (error: unknown) => error instanceof StorageError && error.code === code;
  writeFileSync(
    path,
    "a letter to a friend, long enough to be no database header at all, or so one hopes\n".repeat(20),
  );
  const before = readFileSync(path);
  assert.throws(() => openStorage({ database: path }), refusal("ForeignFile"));
  assert.deepEqual(readFileSync(path), before);
  const other = join(folder(t), "other.db");
  const database = new DatabaseSync(other);
  database.exec("CREATE TABLE notes (text TEXT)");
  database.close();
  assert.throws(() => openStorage({ database: other }), refusal("ForeignFile"));
});

test("a newer format and a file in use are refused by name", (t) => {
  const path = join(folder(t), "state.db");
  const holder = openStorage({ database: path });
  assert.throws(
    () => openStorage({ database: path }),
    (error) => error instanceof StorageError && error.code === "Locked",
  );
  holder.close();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(
    () => openStorage({ database: path }),
    (error) => error instanceof StorageError && error.code === "NewerVersion",
  );
});

test("a database of the first format is brought forward with all it holds", async (t) => {
  const path = join(folder(t), "state.db");
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE history (revision INTEGER PRIMARY KEY, type TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL,
      name TEXT NOT NULL, previous INTEGER, json TEXT NOT NULL);
    CREATE INDEX history_by_key ON history (resource, namespace, name, revision);
    CREATE INDEX history_by_resource ON history (resource, revision);
    CREATE TABLE objects (resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
      PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO settings VALUES ('compacted', '3'), ('admin-token', 'kept');
    INSERT INTO history VALUES (4, 'ADDED', 'things', '', 'a', NULL, '{"value":1}'), (5, 'MODIFIED', 'things', '', 'a', 4, '{"value":2}');
    INSERT INTO objects VALUES ('things', '', 'a', 5);
    PRAGMA application_id = 1263354704; PRAGMA user_version = 1;`);
  database.close();
  const storage = openStorage({ database: path });
  assert.equal(storage.get(keyOf("a"))?.json, '{"value":2}');
  assert.deepEqual(
    storage.list({ resource: "things", at: 4 }).map(({ json }) => json),
    ['{"value":1}'],
  );
  assert.deepEqual([storage.revision, storage.compacted, storage.setting("admin-token")], [5, 3, "kept"]);
  await put(storage, "b");
  storage.close();
  openStorage({ database: path }).close();
});

test("a damaged file is refused by name and left alone", async (t) => {
  const whole = join(folder(t), "state.db");
  const storage = openStorage({ database: whole });
  for (let value = 0; value < 200; value += 1) await put(storage, `thing-${value}`, value);
  storage.close();
  const bytes = readFileSync(whole);
  const damages = {
    truncated: bytes.subarray(0, bytes.length / 2),
    "cut inside its first page": bytes.subarray(0, 300),
    flipped: Buffer.concat([
      bytes.subarray(0, 4096),
      bytes.subarray(4096).map((byte, index) => (index % 64 === 0 ? byte ^ 0xff : byte)),
    ]),
    "without its header": Buffer.concat([Buffer.alloc(100), bytes.subarray(100)]),
  };
  for (const [name, damaged] of Object.entries(damages)) {
    const path = join(folder(t), "state.db");
    writeFileSync(path, damaged);
    assert.throws(
      () => openStorage({ database: path }),
      (error) =>
        error instanceof StorageError &&
        ["Corrupt", "ForeignFile"].includes(error.code) &&
        error.message.includes(path),
      name,
    );
    assert.deepEqual(readFileSync(path), damaged, `${name}: left as it was`);
  }
});

test("a backup made under writes is one whole state, and opens as the database it was made of", async (t) => {
  const path = join(folder(t), "state.db");
  const storage = openStorage({ database: path, defer: setImmediate });
  t.after(() => storage.close());
  storage.setSetting("admin-token", "kept");
  const backup = join(folder(t), "backup.db");
  const stop = new AbortController();
  const states: string[][] = [];
  storage.subscribe(() => states.push(storage.list({ resource: "things" }).map(({ json }) => json)));
  const writers = ["a", "b", "c", "d"].map(async (id) => {
    for (let value = 0; !stop.signal.aborted || value < 20; value += 1) await put(storage, `${id}-${value % 7}`, value);
  });
  while (storage.revision < 30) await new Promise((resolve) => setImmediate(resolve));
  storage.backUp(backup);
  stop.abort();
  await Promise.all(writers);
  assert.throws(() => storage.backUp(backup), StorageError);
  const restored = openStorage({ database: backup });
  t.after(() => restored.close());
  const listed = restored.list({ resource: "things" }).map(({ json }) => json);
  assert.ok(restored.revision >= 30 && restored.revision < storage.revision);
  assert.ok(
    states.some((state) => isDeepStrictEqual(state, listed)),
    "the state after a commit",
  );
  assert.equal(restored.setting("admin-token"), "kept");
  await put(restored, "goes on");
});

test("a full disk refuses writes by name, loses nothing, and takes them again once it has room", async (t) => {
  const path = join(folder(t), "state.db");
  const module = new URL("./sqlite-storage.ts", import.meta.url).href;
  const program = `
    const { openStorage } = await import(${JSON.stringify(module)});
    const storage = openStorage({ database: ${JSON.stringify(path)} });
    const put = (name, padding) => storage.write((tx) => tx.put({ resource: "things", namespace: "", name },
      { apiVersion: "v1", kind: "Thing", metadata: { name }, padding }));
    const written = [];
    let refusal;
    for (let n = 0; refusal === undefined && n < 1000; n += 1) {
      await put("n" + n, "x".repeat(20_000)).then(() => written.push("n" + n), (error) => { refusal = error; });
    }
    console.log(JSON.stringify({ written, code: refusal?.code, listed: storage.list({ resource: "things" }).map(({ name }) => name) }));`;
  const command = [process.execPath, "--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -f 4096; exec "$@"', "sh", ...command], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  const { written, code, listed } = JSON.parse(stdout) as { written: string[]; code: string; listed: string[] };
  assert.equal(code, "Full");
  assert.deepEqual([...written].sort(), listed);
  const storage = openStorage({ database: path });
  t.after(() => storage.close());
  assert.deepEqual(
    storage.list({ resource: "things" }).map(({ name }) => name),
    listed,
  );
  await put(storage, "room again");
});

test("no acknowledged write is lost when the process is killed", async (t) => {
  const path = join(folder(t), "state.db");
  const module = new URL("./sqlite-storage.ts", import.meta.url).href;
  const program = `
    const { openStorage } = await import(${JSON.stringify(module)});
    const storage = openStorage({ database: ${JSON.stringify(path)}, defer: setImmediate });
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
    const storage = openStorage({ database: path });
    const stored = new Set(storage.list({ resource: "things" }).map(({ name }) => name));
    assert.ok(acknowledged.length >= 50);
    assert.deepEqual(
      acknowledged.filter((name) => !stored.has(name)),
      [],
    );
    storage.close();
  }
});
