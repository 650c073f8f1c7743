import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { INVARIANTS } from "../invariants/registry.ts";
import { lifeNamed } from "../models/lives/registry.ts";
import { mutate } from "./mutation.ts";
import { MUTATIONS } from "./registry.ts";
import { runMutation } from "./run-mutation.ts";

const ROOT = new URL("../../../../", import.meta.url);
/** Of each layer one; `npm run mutants` runs all. */
const SAMPLE = ["drops the finalizer first", "writes a status that is already so", "deletes one Machine too many"];

test("every mutation is a change of source that exists, and there are at least 25", () => {
  assert.ok(MUTATIONS.length >= 25, `${MUTATIONS.length} mutations`);
  assert.equal(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length);
  for (const mutation of MUTATIONS) {
    const source = readFileSync(new URL(mutation.file, ROOT), "utf8");
    assert.notEqual(mutate(source, mutation), source, mutation.name);
  }
});

for (const mutation of MUTATIONS.filter(({ name }) => SAMPLE.includes(name))) {
  test(`caught: ${mutation.name}`, async () => {
    const { caught } = await runMutation(mutation);
    assert.ok(caught, mutation.why);
  });
}

test("every promise is seen broken by a mutation, and every mutation says where it is caught", () => {
  const broken = new Set(MUTATIONS.map(({ breaks }) => breaks));
  assert.deepEqual([...broken].toSorted(), INVARIANTS.map(({ name }) => name).toSorted());
  for (const { name, life, within } of MUTATIONS) {
    assert.ok((life === undefined) !== (within === undefined), `${name}: a life, or a number of seeds`);
    if (life !== undefined) lifeNamed(life);
  }
});
