import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQuantity } from "./quantity.ts";

for (const [text, amount] of [
  ["2", 2],
  ["200m", 0.2],
  ["1.5", 1.5],
  ["1Gi", 2 ** 30],
  ["500M", 5e8],
  ["1k", 1_000],
  ["", Number.NaN],
  ["1Q", Number.NaN],
  ["-1", Number.NaN],
] as const) {
  test(`the quantity ${JSON.stringify(text)} is ${amount}`, () => assert.equal(parseQuantity(text), amount));
}
