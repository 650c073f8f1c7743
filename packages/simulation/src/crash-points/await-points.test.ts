import assert from "node:assert/strict";
import { test } from "node:test";
import { readAwaitPoints } from "./await-points.ts";
import { coverageOf } from "./coverage.ts";

test("an await is covered by a frame within it, and by no other", () => {
  const points = readAwaitPoints();
  assert.ok(points.length > 50, `${points.length} awaits`);
  const [point] = points.filter(
    ({ file, text }) => file.endsWith("machine/act.ts") && text.includes("provider.validate"),
  );
  assert.ok(point);
  const { covered, missed } = coverageOf([point], [`${point.file}:${point.line}:15`]);
  assert.deepEqual([covered.length, missed.length], [1, 0]);
  assert.equal(coverageOf([point], [`${point.file}:${point.line + 1}:15`]).missed.length, 1);
});
