import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "@machine-controller/kube-runtime";
import { createKubeClient } from "@machine-controller/kube-client";
import { createApiServerCheck } from "./api-server-check.ts";
import { answerHealth } from "./health-checks.ts";

const endpoints = {
  healthz: {
    ping: () => undefined,
    database: async () => {
      throw new Error("no connection");
    },
  },
  readyz: { alive: () => undefined },
};
const get = (url: string) => answerHealth(endpoints, url);

test("a healthy endpoint says ok, and each check when asked to be verbose", async () => {
  assert.deepEqual(await get("/readyz"), { status: 200, text: "ok" });
  assert.deepEqual(await get("/readyz?verbose"), { status: 200, text: "[+]alive ok\nreadyz check passed\n" });
});

test("one failing check fails its endpoint, which then says which, and why", async () => {
  const text = "[+]ping ok\n[-]database failed: no connection\nhealthz check failed\n";
  assert.deepEqual(await get("/healthz"), { status: 500, text });
});

test("checks can be left out and asked for one by one", async () => {
  assert.deepEqual(await get("/healthz?exclude=database"), { status: 200, text: "ok" });
  const { text } = await get("/healthz?exclude=database&exclude=other&verbose");
  assert.match(text, /\[\+\]database excluded: ok\nwarn: nothing to exclude is named "other"\n/);
  assert.deepEqual(await get("/healthz/ping"), { status: 200, text: "ok" });
  assert.deepEqual(await get("/healthz/database"), { status: 500, text: "no connection\n" });
  for (const url of ["/healthz/other", "/elsewhere", "/", "/healthz/ping/more", "/constructor"]) {
    assert.equal((await get(url)).status, 404, url);
  }
});

test("many probes ask the API server once, and notice soon when it is gone", async () => {
  const clock = createManualClock();
  let asked = 0;
  let down = false;
  const client = createKubeClient({
    baseUrl: "http://api",
    clock,
    async transport() {
      asked += 1;
      if (down) throw new TypeError("fetch failed");
      return Response.json({});
    },
  });
  const check = createApiServerCheck({ client, clock });
  await Promise.all([check(), check()]);
  await check();
  assert.equal(asked, 1);
  down = true;
  await clock.advance(5_000);
  await assert.rejects(async () => check(), /connection to the API server failed/);
  await assert.rejects(async () => check(), /connection to the API server failed/);
  assert.equal(asked, 2);
});

test("an API server that hangs is unhealthy after a few seconds", async () => {
  const clock = createManualClock();
  const client = createKubeClient({ baseUrl: "http://api", clock, transport: () => new Promise(() => undefined) });
  const failed = assert.rejects(async () => createApiServerCheck({ client, clock })(), /did not answer within 4000 ms/);
  await clock.advance(4_000);
  await failed;
});
