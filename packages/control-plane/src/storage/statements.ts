/** The SQL of the store: `history` holds every state once, `objects` points at the current one of each key. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const CURRENT = `SELECT h.resource, h.namespace, h.name, h.revision, h.json
                 FROM objects o JOIN history h ON h.revision = o.revision`;

/** What has not changed since, and of the rest what its first change since replaced. */
const KEYS_AT = `WITH changed AS MATERIALIZED (
       SELECT namespace, name, min(revision), previous FROM history
       WHERE revision > ?2 AND resource = ?1 GROUP BY namespace, name),
     then_current AS (
       SELECT namespace, name, revision FROM objects o
       WHERE resource = ?1 AND NOT EXISTS (SELECT 1 FROM changed c WHERE c.namespace = o.namespace AND c.name = o.name)
       UNION ALL SELECT namespace, name, previous FROM changed WHERE previous IS NOT NULL)
     SELECT namespace, name, revision FROM then_current
     WHERE (?3 IS NULL OR namespace = ?3) AND (namespace, name) > (?4, ?5) ORDER BY namespace, name LIMIT ?6`;

const SQL = {
  lastRevision: "SELECT max(revision) AS revision FROM history",
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollBack: "ROLLBACK",
  get: `${CURRENT} WHERE o.resource = ? AND o.namespace = ? AND o.name = ?`,
  list: `${CURRENT} WHERE o.resource = ? AND (o.namespace, o.name) > (?, ?) ORDER BY o.namespace, o.name LIMIT ?`,
  listNamespace: `${CURRENT} WHERE o.resource = ? AND o.namespace = ? AND o.name > ? ORDER BY o.name LIMIT ?`,
  mentioning: `${CURRENT} WHERE instr(h.json, ?1) OR instr(h.json, ?2)`,
  listKeys: `SELECT namespace, name, revision FROM objects
     WHERE resource = ?1 AND (?2 IS NULL OR namespace = ?2) AND (namespace, name) > (?3, ?4)
     ORDER BY namespace, name LIMIT ?5`,
  textAt: "SELECT json FROM history WHERE revision = ?",
  listKeysAt: KEYS_AT,
  listAt: `SELECT h.resource, h.namespace, h.name, h.revision, h.json
     FROM (${KEYS_AT}) t JOIN history h ON h.revision = t.revision ORDER BY h.namespace, h.name`,
  count: "SELECT count(*) AS count FROM objects WHERE resource = ?1 AND (?2 IS NULL OR namespace = ?2)",
  counts: "SELECT resource, count(*) AS count FROM objects GROUP BY resource",
  pages: "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
  changes: `SELECT h.type, h.resource, h.namespace, h.name, h.revision, h.json, p.json AS previous
     FROM history h LEFT JOIN history p ON p.revision = h.previous
     WHERE h.resource = ? AND h.revision > ? ORDER BY h.revision`,
  addHistory: "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)",
  putObject: "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
  removeObject: "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?",
  forgetSuperseded:
    "DELETE FROM history WHERE revision IN (SELECT previous FROM history WHERE revision > ?1 AND revision <= ?2)",
  forgetDeleted: "DELETE FROM history WHERE revision > ?1 AND revision <= ?2 AND type = 'DELETED'",
  setting: "SELECT value FROM settings WHERE name = ?",
  setSetting: "INSERT OR REPLACE INTO settings VALUES (?, ?)",
};

export type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/** Each is prepared when it is first used, and once: opening a store takes few of them. */
export function prepareStatements(database: DatabaseSync): Statements {
  const statements = {};
  for (const [name, sql] of Object.entries(SQL)) {
    const get = (): StatementSync => {
      const value = database.prepare(sql);
      Object.defineProperty(statements, name, { value });
      return value;
    };
    Object.defineProperty(statements, name, { get, configurable: true });
  }
  return statements as Statements;
}
