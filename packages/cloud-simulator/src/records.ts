/**
 * What a simulated cloud remembers: typed collections of JSON rows on SQLite, held in memory and written through.
 * Once `put`, `delete`, `nextNumber` or the outermost `transaction` has returned, the change survives a killed process.
 */
import { DatabaseSync } from "node:sqlite";

export type Collection<T> = {
  readonly size: number;
  get(id: string): T | undefined;
  /** Replaces the row. A value handed in or out belongs to the store: change it only by another `put`. */
  put(id: string, value: T): void;
  delete(id: string): boolean;
  /** In the order of first insertion. */
  values(): IterableIterator<T>;
};

export type Records = {
  /** The same name always gives the same collection. */
  collection<T>(name: string): Collection<T>;
  /** 1, 2, 3, … for each name, never the same number twice. */
  nextNumber(name: string): number;
  /** All or nothing, in memory as on disk; a transaction inside another is part of it. */
  transaction<T>(work: () => T): T;
  close(): void;
};

/** `path` is a file, or `:memory:`. */
export function openRecords(path: string): Records {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
  database.exec(
    "CREATE TABLE IF NOT EXISTS record (collection TEXT, id TEXT, value TEXT, PRIMARY KEY (collection, id))",
  );
  const select = database.prepare("SELECT id, value FROM record WHERE collection = ? ORDER BY rowid");
  const upsert = database.prepare(
    "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (collection, id) DO UPDATE SET value = excluded.value",
  );
  const remove = database.prepare("DELETE FROM record WHERE collection = ? AND id = ?");
  const collections = new Map<string, Collection<unknown>>();
  let undo: (() => void)[] | undefined;

  const transaction = <T>(work: () => T): T => {
    if (undo !== undefined) return work();
    undo = [];
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      for (const step of undo.toReversed()) step();
      throw error;
    } finally {
      undo = undefined;
    }
  };

  const open = <T>(name: string): Collection<T> => {
    const rows = new Map<string, T>();
    for (const { id, value } of select.all(name)) rows.set(String(id), JSON.parse(String(value)) as T);
    const remember = (id: string): void => {
      const before = rows.get(id);
      undo?.push(() => (before === undefined ? rows.delete(id) : rows.set(id, before)));
    };
    return {
      get size() {
        return rows.size;
      },
      get: (id) => rows.get(id),
      put(id, value) {
        remember(id);
        upsert.run(name, id, JSON.stringify(value));
        rows.set(id, value);
      },
      delete(id) {
        remember(id);
        remove.run(name, id);
        return rows.delete(id);
      },
      values: () => rows.values(),
    };
  };

  const collection = <T>(name: string): Collection<T> => {
    const known = collections.get(name) ?? open<unknown>(name);
    collections.set(name, known);
    return known as Collection<T>;
  };

  return {
    collection,
    nextNumber(name) {
      const numbers = collection<number>("number");
      const next = (numbers.get(name) ?? 0) + 1;
      numbers.put(name, next);
      return next;
    },
    transaction,
    close: () => database.close(),
  };
}
