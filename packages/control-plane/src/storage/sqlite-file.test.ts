import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { openDatabase } from "./sqlite-file.ts";
import { StorageError } from "./storage-error.ts";

const NOBODY = 65_534;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "sqlite-file-test-"));
  t.after(() => {
    chmodSync(path, 0o755);
    rmSync(path, { recursive: true });
  });
  return path;
}

/** What root opens is never refused; so it is nobody in particular who tries. */
function openAsNobody(path: string): void {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    openDatabase(path).close();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

function refusal(path: string, place: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StorageError);
    assert.equal(error.code, "CannotOpen");
    assert.equal(
      error.message,
      `cannot write the database ${path}: let this user write the file and its folder ${place}, or name another path`,
    );
    return true;
  };
}

test("a new file in a folder that may not be written is refused by its path, with a remedy", (t) => {
  const place = folder(t);
  chmodSync(place, 0o555);
  assert.throws(() => openAsNobody(join(place, "cluster.db")), refusal(join(place, "cluster.db"), place));
});

test("so is a file that is there, in such a folder", (t) => {
  const place = folder(t);
  const path = join(place, "cluster.db");
  openDatabase(path).close();
  chmodSync(path, 0o666);
  chmodSync(place, 0o555);
  assert.throws(() => openAsNobody(path), refusal(path, place));
});

test("so is a file that may only be read", (t) => {
  const place = folder(t);
  const path = join(place, "cluster.db");
  openDatabase(path).close();
  chmodSync(path, 0o444);
  chmodSync(place, 0o777);
  assert.throws(() => openAsNobody(path), refusal(path, place));
});

test("so is a path below a file, and one that is a folder", (t) => {
  const place = folder(t);
  writeFileSync(join(place, "file"), "");
  const below = join(place, "file", "cluster.db");
  assert.throws(() => openDatabase(below), refusal(below, join(place, "file")));
  assert.throws(() => openDatabase(place), refusal(place, join(place, "..")));
});
