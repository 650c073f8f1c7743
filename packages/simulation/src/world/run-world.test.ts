import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serializeCrypto } from "./clock.ts";
import { runWorld } from "./run-world.ts";
import { scenarioFor } from "./scenario.ts";

before(serializeCrypto);

test("the same seed makes the same history, whatever ran before it", async () => {
  const first = await runWorld(scenarioFor("1"));
  await runWorld(scenarioFor("2"));
  const second = await runWorld(scenarioFor("1"));
  assert.deepEqual(second.moments, first.moments);
  assert.equal(second.hash, first.hash);
  assert.ok(first.moments.length > 100, `${first.moments.length} moments`);
});

test("unlike seeds make unlike histories", async () => {
  const [one, two] = [await runWorld(scenarioFor("3")), await runWorld(scenarioFor("4"))];
  assert.notEqual(one.hash, two.hash);
});
