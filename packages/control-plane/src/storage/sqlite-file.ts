/** Opens the database file: recognises our own files, refuses others, brings old ones forward. */
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "./storage-error.ts";

/** "KMCP", in SQLite's `application_id` header field. */
const APPLICATION_ID = 0x4b_4d_43_50;

/** Step n brings a file from `user_version` n to n + 1. Steps are never edited once released. */
const MIGRATIONS = [
  `CREATE TABLE history (
     revision INTEGER PRIMARY KEY,
     type TEXT NOT NULL,
     resource TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     previous INTEGER,
     json TEXT NOT NULL
   );
   CREATE INDEX history_by_key ON history (resource, namespace, name, revision);
   CREATE INDEX history_by_resource ON history (resource, revision);
   CREATE TABLE objects (
     resource TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     revision INTEGER NOT NULL,
     PRIMARY KEY (resource, namespace, name)
   ) WITHOUT ROWID;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   INSERT INTO settings VALUES ('compacted', '0');`,
  // Each index was two more pages to make durable with every write; history is short enough to be scanned.
  `DROP INDEX history_by_key;
   DROP INDEX history_by_resource;`,
];

/**
 * Opens a file, ":memory:", or a copy in memory of a snapshot. Throws StorageError; a file is not written to before it is
 * known to be ours or new.
 */
export function openDatabase(source: string | Uint8Array): DatabaseSync {
  const isSnapshot = typeof source !== "string";
  const path = isSnapshot ? ":memory:" : source;
  const isNew = !isSnapshot && (path === ":memory:" || !existsSync(path) || statSync(path).size === 0);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
  } catch (error) {
    throw cannotOpen(path, error);
  }
  try {
    if (isSnapshot) database.deserialize(source);
    if (!isNew) checkFile(database, isSnapshot ? "the snapshot" : path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;");
    migrate(database);
    // Writes nothing, but fails on a file that may only be read, now rather than at the first real write.
    database.exec("DELETE FROM settings WHERE FALSE");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof StorageError) throw error;
    if (isRefused(error)) throw cannotOpen(path, error);
    throw new StorageError(isLocked(error) ? "Locked" : "Corrupt", `cannot use the database ${path}`, { cause: error });
  }
}

function checkFile(database: DatabaseSync, path: string): void {
  let applicationId: unknown;
  try {
    applicationId = pragma(database, "application_id");
  } catch (error) {
    if (isRefused(error)) throw cannotOpen(path, error);
    if (isLocked(error)) {
      throw new StorageError("Locked", `${path} is in use by another process`, { cause: error });
    }
    throw new StorageError("ForeignFile", `${path} is not a database of this control plane, or is damaged`, {
      cause: error,
    });
  }
  if (applicationId !== APPLICATION_ID) {
    throw new StorageError("ForeignFile", `${path} is a database of another program`);
  }
  const version = Number(pragma(database, "user_version"));
  if (version > MIGRATIONS.length) {
    throw new StorageError(
      "NewerVersion",
      `${path} has format ${version}; this program knows up to ${MIGRATIONS.length}`,
    );
  }
  const verdict = pragma(database, "quick_check");
  if (verdict !== "ok") {
    throw new StorageError("Corrupt", `${path} is damaged: ${String(verdict)}`);
  }
}

function migrate(database: DatabaseSync): void {
  const version = Number(pragma(database, "user_version"));
  if (version === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  for (const step of MIGRATIONS.slice(version)) database.exec(step);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function cannotOpen(path: string, cause: unknown): StorageError {
  const remedy = `let this user write the file and its folder ${dirname(resolve(path))}, or name another path`;
  return new StorageError("CannotOpen", `cannot write the database ${path}: ${remedy}`, { cause });
}

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;

function isLocked(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** By the file system. */
function isRefused(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_READONLY || code === SQLITE_CANTOPEN;
}

/** Without the detail in the higher bits. */
function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : undefined;
}
