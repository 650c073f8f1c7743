import assert from "node:assert/strict";
import { test } from "node:test";
import { pointsOf, readAwaitPoints } from "./await-points.ts";
import { coverageOf } from "./coverage.ts";
import { tellAwaits } from "./waiting.ts";

const SOURCE = `async function read(a: Promise<number>): Promise<number> {
  return (await Promise.all([a, await a]))[0] as number;
}
`;

test("every await is a point, with its place and the function it is in", () => {
  const points = pointsOf("x.ts", SOURCE);
  assert.deepEqual(
    points.map(({ id, within, text }) => [id, within, text]),
    [
      ["x.ts:2:10", "read", "await Promise.all([a, await a])"],
      ["x.ts:2:32", "read", "await a"],
    ],
  );
  assert.ok(readAwaitPoints().length > 100);
});

test("an await tells of itself, whatever is within it", () => {
  assert.match(
    tellAwaits("x.ts", SOURCE),
    /await __\w+\("x\.ts:2:10", Promise\.all\(\[a, await __\w+\("x\.ts:2:32", a\)\]\)\)\)\[0\] as number/,
  );
});

test("a point is covered where a process died at it, and missed elsewhere unless it is exempt", () => {
  const points = pointsOf("x.ts", `${SOURCE}await import("y");\n`);
  const { covered, missed, exempt } = coverageOf(points, ["x.ts:2:32"]);
  assert.deepEqual([covered.length, missed.length, exempt.length], [1, 1, 1]);
});
