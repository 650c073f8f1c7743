import assert from "node:assert/strict";
import { test } from "node:test";
import { createCloudClient, type ErrorAnswer } from "./cloud-client.ts";
import type { Fetch } from "./definition.ts";
import { isProviderError, ProviderError } from "./errors.ts";

const { signal } = new AbortController();
const headers = { authorization: "Bearer s3cret" };

/** A clock that a test moves by hand: `late()` ends the wait that is under way. */
function handClock() {
  const waits: (() => void)[] = [];
  return {
    now: () => 0,
    waits,
    late: () => waits.splice(0).forEach((end) => end()),
    sleep: (_ms: number, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve, reject) => {
        waits.push(resolve);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
}

function client(fetch: Fetch, options: Partial<Parameters<typeof createCloudClient>[0]> = {}) {
  const clock = handClock();
  const classify = () => undefined;
  const made = createCloudClient({
    title: "Cloud",
    baseUrl: "http://cloud.test/v1/",
    headers,
    fetch,
    clock,
    classify,
    ...options,
  });
  return { ...made, clock };
}
const answer = (status: number, body = "{}") => client(async () => new Response(body, { status }));

const hangs: Fetch = (request) =>
  new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));

const code = (expected: string) => (error: unknown) => {
  assert.ok(isProviderError(error));
  assert.equal(error.code, expected);
  return true;
};

test("a call is one request: base path, query without undefined, headers, JSON body", async () => {
  const requests: Request[] = [];
  const cloud = client(async (request) => {
    requests.push(request);
    return Response.json({ ok: true });
  });
  assert.deepEqual(await cloud.get("/servers", { query: { page: 2, name: undefined, all: true }, signal }), {
    ok: true,
  });
  await cloud.post("/servers", { body: { name: "a" }, signal });
  const [read, change] = requests;
  assert.equal(read?.url, "http://cloud.test/v1/servers?page=2&all=true");
  assert.equal(read?.headers.get("authorization"), "Bearer s3cret");
  assert.equal(read?.headers.get("content-type"), null);
  assert.equal(change?.method, "POST");
  assert.equal(change?.headers.get("content-type"), "application/json");
  assert.deepEqual(await change?.json(), { name: "a" });
});

test("an answer without a body is undefined", async () => {
  const empty = client(async () => new Response(null, { status: 204 }));
  assert.equal(await empty.delete("/servers/1", { signal }), undefined);
});

test("a status decides where the vendor's error does not", async () => {
  const codes: [number, string, string][] = [
    [401, "Unauthorized", "Unauthorized"],
    [403, "Unauthorized", "Unauthorized"],
    [404, "Terminal", "Terminal"],
    [422, "Terminal", "Terminal"],
    [429, "RateLimited", "RateLimited"],
    [500, "Unavailable", "UnknownOutcome"],
    [503, "Unavailable", "UnknownOutcome"],
  ];
  for (const [status, ofRead, ofChange] of codes) {
    await assert.rejects(answer(status, "<html>").get("/servers", { signal }), code(ofRead), `GET ${status}`);
    await assert.rejects(answer(status, "<html>").delete("/servers/1", { signal }), code(ofChange), `DELETE ${status}`);
  }
});

test("the vendor's error is shown to classify as parsed JSON, and its verdict stands", async () => {
  const seen: ErrorAnswer[] = [];
  const cloud = client(async () => Response.json({ error: "full" }, { status: 500 }), {
    classify: (error) => {
      seen.push(error);
      return new ProviderError("InsufficientResources", "sold out");
    },
  });
  await assert.rejects(cloud.put("/servers/1", { body: {}, signal }), code("InsufficientResources"));
  const [{ status, body, method, path } = {} as ErrorAnswer] = seen;
  assert.deepEqual(
    { status, body, method, path },
    { status: 500, body: { error: "full" }, method: "PUT", path: "/servers/1" },
  );
});

test("no answer in time: a read is Unavailable, a change has an unknown outcome", async () => {
  for (const [method, expected] of [
    ["get", "Unavailable"],
    ["delete", "UnknownOutcome"],
  ] as const) {
    const { clock, ...cloud } = client(hangs, { timeoutMs: 5_000 });
    const called = assert.rejects(cloud[method]("/servers/1", { signal }), (error) => {
      assert.match((error as Error).message, /no answer within 5000 ms/);
      return code(expected)(error);
    });
    clock.late();
    await called;
  }
});

test("a lost or cut answer: a read is Unavailable, a change has an unknown outcome, and the root cause is named", async () => {
  const reset: Fetch = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNRESET") }));
  const cut: Fetch = async () => new Response('{"server": {');
  for (const fetch of [reset, cut]) {
    await assert.rejects(client(fetch).get("/servers", { signal }), code("Unavailable"));
    await assert.rejects(client(fetch).post("/servers", { body: {}, signal }), code("UnknownOutcome"));
  }
  await assert.rejects(client(reset).get("/servers", { signal }), /ECONNRESET/);
});

test("the caller's abort ends the call, and the timer with it", async () => {
  const controller = new AbortController();
  const { clock, ...cloud } = client(hangs);
  const called = assert.rejects(
    cloud.post("/servers", { body: {}, signal: controller.signal }),
    code("UnknownOutcome"),
  );
  controller.abort(new Error("stopping"));
  await called;
  assert.equal(clock.waits.length, 1);
});

test("a credential that fits no header is named without being shown", async () => {
  const bad = client(hangs, { headers: { authorization: "Bearer s3c\nret" } });
  await assert.rejects(bad.get("/servers", { signal }), (error) => {
    assert.doesNotMatch(`${String(error)} ${String((error as Error).cause)}`, /s3c/);
    return code("Terminal")(error);
  });
  await assert.rejects(client(hangs, { baseUrl: "nowhere" }).get("/servers", { signal }), code("Terminal"));
});

test("a redirect is not followed", async () => {
  let calls = 0;
  const cloud = client(async ({ redirect }) => {
    calls++;
    assert.equal(redirect, "manual");
    return new Response(null, { status: 301, headers: { location: "http://elsewhere.test/" } });
  });
  await assert.rejects(cloud.post("/servers", { body: {}, signal }), code("Terminal"));
  assert.equal(calls, 1);
});
