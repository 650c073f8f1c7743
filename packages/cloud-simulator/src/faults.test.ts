import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "./clock.ts";
import { injectFaults, type FaultRule, type Faults } from "./faults.ts";

type Injected = { ask: (method: string, path: string) => Promise<string>; effects: () => number; faults: Faults };

function inject(...rules: FaultRule[]): Injected {
  let effects = 0;
  const { handle, faults } = injectFaults(
    async () => {
      effects += 1;
      return new Response("done");
    },
    {
      faults: rules,
      clock: createVirtualClock(0),
      random: { bytes: () => Uint8Array.of(0x80, 0, 0, 0) },
      respond: ({ status, code }) => new Response(code, { status }),
    },
  );
  return {
    async ask(method, path) {
      const request = new Request(`http://cloud${path}`, { method });
      return handle(request).then(
        ({ status }) => String(status),
        (error: { code: string }) => error.code,
      );
    },
    effects: () => effects,
    faults,
  };
}

test("a rule strikes the requests it names, as often as it says", async () => {
  const { ask, effects } = inject({ on: "POST /v1/servers", times: 2, action: { status: 500 } });
  assert.deepEqual(
    [await ask("GET", "/v1/servers"), await ask("POST", "/v1/servers/7"), await ask("POST", "/v1/servers?x=1")],
    ["200", "200", "500"],
  );
  assert.deepEqual([await ask("POST", "/v1/servers"), await ask("POST", "/v1/servers")], ["500", "200"]);
  assert.equal(effects(), 3);
});

test("a pattern may leave out method or parts of the path", async () => {
  const { ask } = inject({ on: "* /v1/servers/*", action: { status: 503 } });
  assert.deepEqual([await ask("DELETE", "/v1/servers/7"), await ask("GET", "/v1/servers")], ["503", "200"]);
});

test("a dropped request has no effect, a dropped reply has", async () => {
  const request = inject({ on: "*", action: { drop: "request" } });
  assert.deepEqual([await request.ask("POST", "/"), request.effects()], ["Lost", 0]);
  const reply = inject({ on: "*", action: { drop: "reply" } });
  assert.deepEqual([await reply.ask("POST", "/"), reply.effects()], ["Lost", 1]);
});

test("probability is drawn from the injected randomness", async () => {
  assert.equal(await inject({ on: "*", probability: 0.5, action: { status: 500 } }).ask("GET", "/"), "200");
  assert.equal(await inject({ on: "*", probability: 0.6, action: { status: 500 } }).ask("GET", "/"), "500");
});

test("rules can be changed while it runs, and the caller's own stay as they were", async () => {
  const rule: FaultRule = { on: "*", times: 1, action: { status: 429 } };
  const { ask, faults } = inject();
  faults.replace([rule]);
  faults.add({ on: "*", action: { status: 500 } });
  assert.deepEqual([await ask("GET", "/"), await ask("GET", "/")], ["429", "500"]);
  faults.replace([]);
  assert.equal(await ask("GET", "/"), "200");
  assert.equal(rule.times, 1);
});

test("a delay passes before the effect", async () => {
  const clock = createVirtualClock(0);
  const { handle } = injectFaults(async () => new Response("done"), {
    faults: [{ on: "*", action: { delayMs: 1000 } }],
    clock,
    random: { bytes: () => new Uint8Array(4) },
    respond: () => new Response(),
  });
  let isAnswered = false;
  const answer = handle(new Request("http://cloud/")).then(() => (isAnswered = true));
  await clock.advance(999);
  assert.equal(isAnswered, false);
  await clock.advance(1);
  assert.ok(await answer);
});
