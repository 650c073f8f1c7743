import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorAnswer, ProviderErrorCode } from "@machine-controller/provider";
import { classify, isRefusal } from "./errors.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function classified(status: number, code: string, more: Partial<ErrorAnswer> & { details?: unknown } = {}) {
  const { details = null, ...answer } = more;
  const body = { error: { code, message: "the vendor's words", details } };
  return classify({ status, body, headers: new Headers(), method: "POST", path: "/servers", ...answer }, NOW);
}

test("each of the vendor's codes has its meaning, for a read and for a change", () => {
  const codes: [number, string, ProviderErrorCode, ProviderErrorCode?][] = [
    [401, "unauthorized", "Unauthorized"],
    [403, "forbidden", "Terminal"],
    [403, "token_readonly", "Terminal"],
    [422, "invalid_input", "Terminal"],
    [400, "json_error", "Terminal"],
    [409, "uniqueness_error", "Terminal"],
    [403, "protected", "Terminal"],
    [403, "resource_limit_exceeded", "InsufficientResources"],
    [412, "resource_unavailable", "InsufficientResources"],
    [503, "placement_error", "InsufficientResources"],
    [429, "rate_limit_exceeded", "RateLimited"],
    [409, "conflict", "Unavailable"],
    [423, "locked", "Unavailable"],
    [503, "maintenance", "UnknownOutcome", "Unavailable"],
    [504, "timeout", "UnknownOutcome", "Unavailable"],
    [500, "a_new_code", "UnknownOutcome", "Unavailable"],
    [418, "a_new_code", "Terminal"],
  ];
  for (const [status, code, ofChange, ofRead = ofChange] of codes) {
    assert.equal(classified(status, code)?.code, ofChange, `POST ${code}`);
    assert.equal(classified(status, code, { method: "GET" })?.code, ofRead, `GET ${code}`);
  }
});

test("absence is confirmed only by the vendor's not_found about a resource named by ID", () => {
  const about = (method: string, path: string) => classified(404, "not_found", { method, path })?.code;
  assert.equal(about("GET", "/servers/42"), "InstanceNotFound");
  assert.equal(about("DELETE", "/servers/42"), "InstanceNotFound");
  assert.equal(about("POST", "/servers"), "Terminal");
  assert.equal(about("GET", "/servers"), "Terminal");
  assert.equal(about("GET", "/servers/abc"), "Terminal");
  assert.equal(about("GET", "/servers/42%2Factions"), "Terminal");
  for (const body of [undefined, "<html>", {}, { error: "not_found" }, { error: { code: 404 } }]) {
    const answer = { status: 404, body, headers: new Headers(), method: "GET", path: "/servers/42" };
    assert.equal(classify(answer, NOW), undefined);
  }
});

test("a rate limit says when to come back: Retry-After, else RateLimit-Reset", () => {
  const wait = (headers: Record<string, string>) =>
    classified(429, "rate_limit_exceeded", { headers: new Headers(headers) })?.retryAfterMs;
  const reset = String(NOW / 1_000 + 90);
  assert.equal(wait({ "ratelimit-reset": reset }), 90_000);
  assert.equal(wait({ "ratelimit-reset": reset, "retry-after": "3" }), 3_000);
  assert.equal(wait({ "ratelimit-reset": String(NOW / 1_000 - 5) }), 0);
  assert.equal(wait({ "ratelimit-reset": "soon" }), undefined);
  assert.equal(wait({}), undefined);
});

test("the message has the vendor's words, the fields and the remedy; the reason fits", () => {
  const details = { fields: [{ name: "name", messages: ["is too long", "has blanks"] }, { name: "image" }] };
  assert.equal(
    classified(422, "invalid_input", { details })?.message,
    "Hetzner Cloud refused POST /servers with invalid_input: the vendor's words; name: is too long, has blanks; image: ",
  );
  assert.match(classified(403, "token_readonly")?.message ?? "", /; use a token with read and write permission$/);
  assert.equal(classified(403, "token_readonly")?.reason, "InvalidConfiguration");
  assert.equal(classified(403, "protected")?.reason, "DeleteError");
});

test("a refusal is recognised by its code, not by its words", () => {
  const error = classified(409, "uniqueness_error");
  assert.ok(isRefusal(error, "conflict", "uniqueness_error"));
  assert.ok(!isRefusal(error, "conflict"));
  assert.ok(!isRefusal(new Error("uniqueness_error"), "uniqueness_error"));
  assert.ok(!isRefusal(undefined, "uniqueness_error"));
});
