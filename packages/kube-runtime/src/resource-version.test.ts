import assert from "node:assert/strict";
import { test } from "node:test";
import { compareResourceVersions } from "./resource-version.ts";

test("decimal versions are ordered by value, beyond what a number holds", () => {
  const sign = (a: string, b: string): number => Math.sign(compareResourceVersions(a, b) ?? NaN);
  assert.equal(sign("9", "10"), -1);
  assert.equal(sign("10", "9"), 1);
  assert.equal(sign("18446744073709551615", "18446744073709551614"), 1);
  assert.equal(sign("7", "7"), 0);
});

test("what is no decimal is comparable only to itself", () => {
  assert.equal(compareResourceVersions("a1", "2"), undefined);
  assert.equal(compareResourceVersions("01", "2"), undefined);
  assert.equal(compareResourceVersions(undefined, "2"), undefined);
  assert.equal(compareResourceVersions("a1", "a1"), 0);
});
