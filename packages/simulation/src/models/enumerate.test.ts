import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serializeCrypto } from "../world/clock.ts";
import { enumerate } from "./enumerate.ts";
import { lifeNamed } from "./lives/registry.ts";

before(serializeCrypto);

/** What a creation must survive at each of its messages; `npm run models` tries everything everywhere. */
const FAULTS = ["crash before", "crash, request late"];

test("a creation on a cloud with tags only survives a crash at every message, and that the message arrives later", async () => {
  const { failures, worlds } = await enumerate(lifeNamed("create"), "plain-tag", { faults: FAULTS });
  assert.deepEqual(failures, []);
  assert.ok(worlds > 20, `${worlds} worlds`);
});
