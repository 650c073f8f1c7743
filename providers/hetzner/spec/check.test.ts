import assert from "node:assert/strict";
import { test } from "node:test";
import { createTrafficCheck } from "./check.ts";

const check = createTrafficCheck();
const ERROR = { error: { code: "not_found", message: "x", details: null } };

type Exchange = { ask: string; body?: object; status?: number; answer?: unknown };

async function problemsOf({ ask, body, status = 404, answer = ERROR }: Exchange): Promise<string[]> {
  const [method = "", path = ""] = ask.split(" ");
  const request = new Request(`https://api.hetzner.cloud/v1${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const response = answer === null ? new Response(null, { status }) : Response.json(answer, { status });
  return (await check(request, response)).map(({ side, problem }) => `${side} ${problem}`);
}

const ACTION = {
  id: 1,
  command: "start_server",
  status: "running",
  progress: 0,
  started: "2026-01-01T00:00:00+00:00",
  finished: null,
  resources: [{ id: 1, type: "server" }],
  error: null,
};

test("documented traffic has no problems", async () => {
  assert.deepEqual(
    await problemsOf({ ask: "GET /servers?label_selector=a&status=off&status=running&per_page=50" }),
    [],
  );
  const order = { name: "a", server_type: "cx23", image: "ubuntu-24.04", ssh_keys: [1, "b"], labels: { a: "b" } };
  assert.deepEqual(await problemsOf({ ask: "POST /servers", body: order }), []);
  assert.deepEqual(await problemsOf({ ask: "GET /actions/1", status: 200, answer: { action: ACTION } }), []);
  assert.deepEqual(await problemsOf({ ask: "DELETE /ssh_keys/1", status: 204, answer: null }), []);
});

test("routes, query parameters and their values must be documented", async () => {
  assert.deepEqual(await problemsOf({ ask: "GET /server" }), ["request no such route is documented"]);
  assert.deepEqual(await problemsOf({ ask: "PATCH /servers/1" }), ["request no such route is documented"]);
  assert.deepEqual(await problemsOf({ ask: "GET /servers?label=a" }), ["request query label: is not documented"]);
  assert.deepEqual(await problemsOf({ ask: "GET /servers?status=on" }), [
    'request query status: "on" is no documented value',
  ]);
  assert.deepEqual(await problemsOf({ ask: "GET /servers?page=x" }), ["request query page: is string, not integer"]);
  assert.deepEqual(await problemsOf({ ask: "GET /actions" }), ["request query id: is missing"]);
});

test("fields of a request must be known, of the right type and complete", async () => {
  const order = { name: "a", server_type: 1, imag: "x", labels: { a: " " }, firewalls: [{}] };
  assert.deepEqual(await problemsOf({ ask: "POST /servers", body: order }), [
    "request body.image: is missing",
    "request body.server_type: is number, not string",
    "request body.imag: is not documented",
    "request body.labels.a: does not match ^(()|[a-z0-9A-Z]|([a-z0-9A-Z][a-z0-9A-Z\\._-]{0,61}[a-z0-9A-Z]))$",
    "request body.firewalls[0].firewall: is missing",
  ]);
  assert.deepEqual(await problemsOf({ ask: "POST /servers" }), ["request body: is missing"]);
  assert.deepEqual(await problemsOf({ ask: "POST /servers/1/actions/poweron", body: {} }), [
    "request body: none is documented",
  ]);
});

test("answers must have a documented status and shape", async () => {
  const broken = { ...ACTION, progress: "0", started: "yesterday", error: undefined, surprise: 1 };
  assert.deepEqual(await problemsOf({ ask: "GET /actions/1", status: 200, answer: { action: broken } }), [
    "response status 200.action.error: is missing",
    "response status 200.action.progress: is string, not integer",
    "response status 200.action.started: is no RFC 3339 time",
    "response status 200.action.surprise: is not documented",
  ]);
  assert.deepEqual(await problemsOf({ ask: "GET /servers", status: 302, answer: null }), [
    "response status 302: is not documented",
  ]);
  assert.deepEqual(await problemsOf({ ask: "GET /servers", status: 500, answer: { message: "x" } }), [
    "response status 500.error: is missing",
    "response status 500.message: is not documented",
  ]);
  assert.deepEqual(await problemsOf({ ask: "DELETE /ssh_keys/1", status: 204, answer: null }), []);
});
