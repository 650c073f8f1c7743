import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { FaultRule } from "./faults.ts";
import { serveSimulator } from "./serve-simulator.ts";
import { defineSimulator } from "./simulator.ts";

const counting = defineSimulator({
  name: "counting",
  origins: ["https://counting.example"],
  create: ({ records }) => ({
    handle: async () => Response.json({ count: records.nextNumber("request") }),
    respond: ({ status, code }) => Response.json({ code }, { status }),
  }),
});

async function serve(t: TestContext): Promise<(path: string, init?: RequestInit) => Promise<unknown>> {
  const simulator = counting.create({ database: ":memory:" });
  const served = await serveSimulator(simulator, { host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await served.close();
    simulator.close();
  });
  return async (path, init) => (await fetch(served.url + path, init)).json();
}

const rule = (method: string, body: FaultRule | FaultRule[]): RequestInit => ({ method, body: JSON.stringify(body) });

test("a served simulator answers as in process, and logs what was asked", async (t) => {
  const ask = await serve(t);
  assert.deepEqual(await ask("/v1/things?x=1"), { count: 1 });
  assert.deepEqual(await ask("/v1/things", { method: "POST" }), { count: 2 });
  const log = (await ask("/_simulator/requests")) as object[];
  assert.partialDeepStrictEqual(log, [
    { method: "GET", path: "/v1/things?x=1", status: 200 },
    { method: "POST", path: "/v1/things", status: 200 },
  ]);
  assert.deepEqual(await ask("/_simulator/machines"), []);
});

test("faults are set from outside; a dropped reply breaks the connection after the effect", async (t) => {
  const ask = await serve(t);
  await ask("/_simulator/faults", rule("PUT", [{ on: "POST *", times: 1, action: { drop: "reply" } }]));
  await assert.rejects(ask("/v1/things", { method: "POST" }), { name: "TypeError", message: "fetch failed" });
  assert.deepEqual(await ask("/v1/things"), { count: 2 });
  assert.deepEqual(await ask("/_simulator/faults"), []);
  const busy: FaultRule = { on: "GET /v1/*", action: { status: 503, code: "busy" } };
  await ask("/_simulator/faults", rule("POST", busy));
  assert.deepEqual(await ask("/v1/things"), { code: "busy" });
  const log = (await ask("/_simulator/requests")) as { status: number }[];
  assert.deepEqual(
    log.map(({ status }) => status),
    [0, 200, 503],
  );
});
