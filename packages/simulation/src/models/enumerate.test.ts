import assert from "node:assert/strict";
import { before, test } from "node:test";
import { serializeCrypto } from "../world/clock.ts";
import { enumerate } from "./enumerate.ts";
import { LIVES } from "./lives.ts";

before(serializeCrypto);

/** What a creation must survive at each of its messages; `npm run models` tries everything everywhere. */
const FAULTS = ["crash before", "crash, request late"];

test("a creation on a cloud with tags only survives a crash at every message, and that the message arrives later", async () => {
  const [life] = LIVES.filter(({ name }) => name === "create");
  assert.ok(life);
  const { failures, worlds, crashedAt } = await enumerate(life, "plain-tag", { faults: FAULTS });
  assert.deepEqual(failures, []);
  assert.ok(worlds > 20, `${worlds} worlds`);
  assert.ok(crashedAt.size > 10, `${crashedAt.size} call sites`);
});
