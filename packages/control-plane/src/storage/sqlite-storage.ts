/** The store on SQLite: `history` holds every state once, `objects` points at the current one of each key. */
import type { DatabaseSync } from "node:sqlite";
import type { KubeObject } from "../object.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { openDatabase } from "./sqlite-file.ts";
import type { Change, Key, ListQuery, Storage, Stored, Transaction } from "./storage.ts";

/** Revisions a watcher may lag behind before it must list again. */
const KEPT_REVISIONS = 10_000;
/** Compaction runs each time this many revisions have come on top. */
const COMPACTION_STEP = 2000;

type ChangeRow = Omit<Change, "previous"> & { previous: string | null };

export type StorageOptions = {
  path: string;
  /** Schedules the commit of the writes that have gathered; absent: each write commits at once. */
  defer?: (commit: () => void) => void;
  keptRevisions?: number;
};

export function openStorage(options: StorageOptions): Storage {
  const database = openDatabase(options.path);
  const statements = prepare(database);
  const kept = options.keptRevisions ?? KEPT_REVISIONS;
  const step = Math.min(COMPACTION_STEP, kept);
  let revision = Number(Object.values(statements.lastRevision.get() ?? {})[0] ?? 0);
  let compacted = Number(readSetting("compacted"));
  revision = Math.max(revision, compacted);
  const listeners = new Set<(changes: readonly Change[]) => void>();

  const queue = createCommitQueue<Change>({
    database,
    defer: options.defer,
    execute: (mutate) => {
      const pending: Change[] = [];
      const start = revision;
      const record = (change: Omit<Change, "revision" | "json">, object: KubeObject): KubeObject => {
        revision += 1;
        object.metadata.resourceVersion = String(revision);
        pending.push({ ...change, revision, json: JSON.stringify(object) });
        return object;
      };
      const transaction: Transaction = {
        get,
        list,
        put: (key, object) => {
          const current = get(key);
          return record({ ...pick(key), type: current ? "MODIFIED" : "ADDED", previous: current?.json }, object);
        },
        remove: (key, last) => record({ ...pick(key), type: "DELETED", previous: get(key)?.json }, last),
      };
      try {
        return { result: mutate(transaction), changes: pending };
      } catch (error) {
        revision = start;
        throw error;
      }
    },
    apply: (changes) => {
      for (const change of changes) apply(change);
    },
    committed: (changes) => {
      for (const listener of listeners) listener(changes);
      if (revision - compacted >= kept + step) compact(revision - kept);
    },
    rolledBack: (lastRevision) => {
      revision = lastRevision;
    },
    revision: () => revision,
  });

  function apply(change: Change): void {
    const { resource, namespace, name } = change;
    const previous = (statements.currentRevision.get(resource, namespace, name) as { revision: number } | undefined)
      ?.revision;
    statements.addHistory.run(change.revision, change.type, resource, namespace, name, previous ?? null, change.json);
    if (change.type === "DELETED") statements.removeObject.run(resource, namespace, name);
    else statements.putObject.run(resource, namespace, name, change.revision);
  }

  function compact(through: number): void {
    database.exec("BEGIN IMMEDIATE");
    statements.forgetSuperseded.run(compacted, through);
    statements.forgetDeleted.run(through);
    writeSetting("compacted", String(through));
    database.exec("COMMIT");
    compacted = through;
  }

  function get(key: Key): Stored | undefined {
    return statements.get.get(key.resource, key.namespace, key.name) as Stored | undefined;
  }

  function list(query: ListQuery): Stored[] {
    const after = query.after ?? { namespace: "", name: "" };
    const limit = query.limit ?? -1;
    if (query.at !== undefined && query.at !== revision) {
      const rows = statements.listAt.all(
        query.resource,
        query.at,
        query.namespace ?? null,
        after.namespace,
        after.name,
        limit,
      );
      return rows as Stored[];
    }
    const rows =
      query.namespace === undefined
        ? statements.list.all(query.resource, after.namespace, after.name, limit)
        : statements.listNamespace.all(query.resource, query.namespace, after.name, limit);
    return rows as Stored[];
  }

  function readSetting(name: string): string | undefined {
    return (statements.setting.get(name) as { value: string } | undefined)?.value;
  }

  function writeSetting(name: string, value: string): void {
    statements.setSetting.run(name, value);
  }

  return {
    get revision() {
      return queue.committedRevision();
    },
    get compacted() {
      return compacted;
    },
    get,
    list,
    count: ({ resource, namespace }) => (statements.count.get(resource, namespace ?? null) as { count: number }).count,
    changes: ({ resource, after }) =>
      (statements.changes.all(resource, after) as ChangeRow[]).map((row) => ({
        ...row,
        previous: row.previous ?? undefined,
      })),
    write: (mutate) => queue.write(mutate),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setting: readSetting,
    setSetting: writeSetting,
    close: () => {
      queue.close();
      listeners.clear();
      if (database.isOpen) database.close();
    },
  };
}

function pick(key: Key): Key {
  return { resource: key.resource, namespace: key.namespace, name: key.name };
}

function prepare(database: DatabaseSync) {
  const current = `SELECT h.resource, h.namespace, h.name, h.revision, h.json
                   FROM objects o JOIN history h ON h.revision = o.revision`;
  return {
    lastRevision: database.prepare("SELECT max(revision) FROM history"),
    currentRevision: database.prepare("SELECT revision FROM objects WHERE resource = ? AND namespace = ? AND name = ?"),
    get: database.prepare(`${current} WHERE o.resource = ? AND o.namespace = ? AND o.name = ?`),
    list: database.prepare(
      `${current} WHERE o.resource = ? AND (o.namespace, o.name) > (?, ?) ORDER BY o.namespace, o.name LIMIT ?`,
    ),
    listNamespace: database.prepare(
      `${current} WHERE o.resource = ? AND o.namespace = ? AND o.name > ? ORDER BY o.name LIMIT ?`,
    ),
    listAt: database.prepare(
      `SELECT resource, namespace, name, revision, json FROM (
         SELECT resource, namespace, name, type, max(revision) AS revision, json FROM history
         WHERE resource = ?1 AND revision <= ?2 AND (?3 IS NULL OR namespace = ?3) AND (namespace, name) > (?4, ?5)
         GROUP BY namespace, name)
       WHERE type <> 'DELETED' ORDER BY namespace, name LIMIT ?6`,
    ),
    count: database.prepare(
      "SELECT count(*) AS count FROM objects WHERE resource = ?1 AND (?2 IS NULL OR namespace = ?2)",
    ),
    changes: database.prepare(
      `SELECT h.type, h.resource, h.namespace, h.name, h.revision, h.json, p.json AS previous
       FROM history h LEFT JOIN history p ON p.revision = h.previous
       WHERE h.resource = ? AND h.revision > ? ORDER BY h.revision`,
    ),
    addHistory: database.prepare("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)"),
    putObject: database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)"),
    removeObject: database.prepare("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"),
    forgetSuperseded: database.prepare(
      "DELETE FROM history WHERE revision IN (SELECT previous FROM history WHERE revision > ? AND revision <= ?)",
    ),
    forgetDeleted: database.prepare("DELETE FROM history WHERE type = 'DELETED' AND revision <= ?"),
    setting: database.prepare("SELECT value FROM settings WHERE name = ?"),
    setSetting: database.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)"),
  };
}
