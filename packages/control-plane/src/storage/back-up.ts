/**
 * Backup of a database in use. A plain copy of its file would miss what still waits in the write-ahead log, or catch the
 * file in the middle of a merge.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { StorageError } from "./storage-error.ts";

export function backUpDatabase(database: DatabaseSync, path: string): void {
  if (existsSync(path)) throw new StorageError("CannotOpen", `${path} exists: name a new file for the backup`);
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  try {
    database.prepare("VACUUM INTO ?").run(partial);
    flush(partial);
    renameSync(partial, path);
    flush(dirname(path));
  } catch (error) {
    rmSync(partial, { force: true });
    throw new StorageError("CannotOpen", `cannot write the backup ${path}`, { cause: error });
  }
}

function flush(path: string): void {
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
}
