import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration } from "./age.ts";

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

for (const [ms, text] of [
  [0, "0s"],
  [119 * S, "119s"],
  [2 * M, "2m"],
  [2 * M + 5 * S, "2m5s"],
  [10 * M + 5 * S, "10m"],
  [3 * H + 5 * M, "3h5m"],
  [9 * H + 5 * M, "9h"],
  [2 * D + 3 * H, "2d3h"],
  [30 * D, "30d"],
  [800 * D, "2y70d"],
] as const) {
  test(`${ms} ms is ${text}`, () => assert.equal(formatDuration(ms), text));
}
