import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRecords } from "./records.ts";

test("rows, their order and the numbers given out survive without a close", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "records-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.db");
  const before = openRecords(file);
  const rows = before.collection<{ size: number }>("row");
  rows.put("b", { size: 1 });
  rows.put("a", { size: 2 });
  rows.put("b", { size: 3 });
  rows.put("c", { size: 4 });
  rows.delete("c");
  assert.deepEqual([before.nextNumber("x"), before.nextNumber("x"), before.nextNumber("y")], [1, 2, 1]);

  const after = openRecords(file);
  assert.deepEqual([...after.collection("row").values()], [{ size: 3 }, { size: 2 }]);
  assert.equal(after.nextNumber("x"), 3);
});

test("a transaction that throws leaves nothing behind, in memory or on disk", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "records-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "a.db");
  const records = openRecords(file);
  const rows = records.collection<string>("row");
  rows.put("kept", "before");
  assert.throws(() =>
    records.transaction(() => {
      rows.put("kept", "after");
      rows.put("new", "1");
      records.nextNumber("x");
      records.transaction(() => rows.delete("kept"));
      throw new Error("stop");
    }),
  );
  for (const seen of [rows, openRecords(file).collection<string>("row")]) {
    assert.deepEqual([seen.get("kept"), seen.get("new")], ["before", undefined]);
  }
  assert.equal(records.nextNumber("x"), 1);
});
