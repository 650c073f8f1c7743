import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WorldAbortController, WorldAbortSignal } from "./abort.ts";
import { WorldHeaders } from "./headers.ts";
import { WorldRequest, WorldResponse } from "./messages.ts";

type Platform = Pick<typeof globalThis, "AbortController" | "AbortSignal" | "Headers" | "Request" | "Response">;

const node: Platform = { AbortController, AbortSignal, Headers, Request, Response };
const worlds = {
  AbortController: WorldAbortController,
  AbortSignal: WorldAbortSignal,
  Headers: WorldHeaders,
  Request: WorldRequest,
  Response: WorldResponse,
} as unknown as Platform;

for (const [name, platform] of Object.entries({ "Node's own": node, "the worlds' own": worlds })) {
  const { AbortController, AbortSignal, Headers, Request, Response } = platform;
  const ADDRESS = "https://kube.test/api";

  describe(`the platform, ${name}`, () => {
    test("a signal aborts once, with its reason, and tells who listens, in order, once where asked for", () => {
      const controller = new AbortController();
      const { signal } = controller;
      const told: string[] = [];
      const removed = (): void => void told.push("removed");
      signal.addEventListener("abort", removed);
      signal.addEventListener("abort", () => void told.push("first"), { once: true });
      signal.addEventListener("abort", ({ type }) => void told.push(`second ${type}`));
      signal.removeEventListener("abort", removed);
      assert.equal(signal.aborted, false);
      signal.throwIfAborted();
      const reason = new Error("enough");
      controller.abort(reason);
      controller.abort("again");
      assert.deepEqual([told, signal.aborted, signal.reason], [["first", "second abort"], true, reason]);
      assert.throws(() => signal.throwIfAborted(), reason);
    });

    test("without a reason it is an AbortError, the same whenever one looks", () => {
      const controller = new AbortController();
      controller.abort();
      const { reason } = controller.signal;
      assert.ok(reason instanceof DOMException);
      assert.equal(reason.name, "AbortError");
      assert.equal(controller.signal.reason, reason);
    });

    test("a signal that follows others shares the reason of the first that aborts, before anybody is told", () => {
      const [one, other] = [new AbortController(), new AbortController()];
      const either = AbortSignal.any([AbortSignal.any([one.signal]), other.signal]);
      const told: unknown[] = [];
      one.signal.addEventListener("abort", () => void told.push(["source", either.aborted]));
      either.addEventListener("abort", () => void told.push(["follower", either.reason]));
      one.abort("one");
      other.abort("other");
      assert.deepEqual(told, [
        ["source", true],
        ["follower", "one"],
      ]);
      assert.equal(AbortSignal.any([other.signal, new AbortController().signal]).reason, "other");
    });

    test("names of headers have no case, values are trimmed, and what no header takes is refused", () => {
      const headers = new Headers({ "Content-Type": " text/plain ", b: "2" });
      headers.append("B", "3");
      headers.set("a", "1");
      assert.deepEqual(
        [...headers],
        [
          ["a", "1"],
          ["b", "2, 3"],
          ["content-type", "text/plain"],
        ],
      );
      assert.deepEqual(
        [headers.get("CONTENT-TYPE"), headers.get("none"), headers.has("A")],
        ["text/plain", null, true],
      );
      headers.delete("A");
      assert.equal(new Headers(headers).has("a"), false);
      for (const value of ["a\nb", "a\0", "€"]) assert.throws(() => new Headers({ a: value }), TypeError);
      assert.throws(() => new Headers({ "a b": "1" }), TypeError);
    });

    test("a request has a whole URL, a method in capitals, and its body once", async () => {
      const { signal } = new AbortController();
      const request = new Request(`${ADDRESS}/a b?c=d`, { method: "post", headers: { a: "1" }, body: "{}", signal });
      assert.deepEqual([request.url, request.method], [`${ADDRESS}/a%20b?c=d`, "POST"]);
      assert.deepEqual(
        [request.headers.get("a"), request.headers.get("content-type")],
        ["1", "text/plain;charset=UTF-8"],
      );
      assert.equal(new Request(ADDRESS, { method: "PATCH" }).method, "PATCH");
      const again = request.clone();
      assert.deepEqual([await request.json(), request.bodyUsed], [{}, true]);
      await assert.rejects(request.text(), TypeError);
      assert.throws(() => request.clone(), TypeError);
      assert.equal(await again.text(), "{}");
      const form = new Request(ADDRESS, { method: "POST", body: new URLSearchParams({ a: "b c" }) });
      assert.match(form.headers.get("content-type") ?? "", /^application\/x-www-form-urlencoded/);
      assert.equal(await form.text(), "a=b+c");
    });

    test("what is no request is refused", () => {
      assert.throws(() => new Request("/relative"), TypeError);
      assert.throws(() => new Request("https://user:password@kube.test"), TypeError);
      // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- which is what is refused
      assert.throws(() => new Request(ADDRESS, { body: "{}" }), TypeError);
      assert.throws(() => new Request(ADDRESS, { headers: { authorization: "Bearer €" } }), TypeError);
      assert.equal(new Request(ADDRESS).body, null);
    });

    test("a request's signal is aborted with the one it was made with", () => {
      const controller = new AbortController();
      const request = new Request(ADDRESS, { signal: controller.signal });
      assert.equal(request.signal.aborted, false);
      controller.abort("gone");
      assert.deepEqual([request.signal.aborted, request.signal.reason], [true, "gone"]);
      assert.equal(new Request(ADDRESS).signal.aborted, false);
    });

    test("a response has a status, headers and a body of text, bytes, a stream or nothing", async () => {
      const json = Response.json({ a: 1 }, { status: 201, headers: { "x-y": "z" } });
      assert.deepEqual([json.status, json.ok, json.headers.get("x-y")], [201, true, "z"]);
      assert.equal(json.headers.get("content-type"), "application/json");
      assert.deepEqual([await json.clone().json(), await json.json()], [{ a: 1 }, { a: 1 }]);
      assert.deepEqual([new Response().status, new Response("", { status: 404 }).ok], [200, false]);
      assert.equal(await new Response(Buffer.from("é")).text(), "é");
      assert.equal(await new Response(null, { status: 204 }).text(), "");
      assert.deepEqual([...new Uint8Array(await new Response("é").arrayBuffer())], [0xc3, 0xa9]);
      const stream = new Response(ReadableStream.from([Buffer.from("a"), Buffer.from("b")]));
      const copy = stream.clone();
      assert.deepEqual([await stream.text(), await copy.text()], ["ab", "ab"]);
      assert.throws(() => new Response("x", { status: 204 }), TypeError);
      assert.throws(() => new Response(null, { status: 99 }), RangeError);
      await assert.rejects(new Response("no JSON").json(), SyntaxError);
    });

    test("a body can be read as a stream, by one reader", async () => {
      const response = new Response("text");
      const chunks = [];
      for await (const chunk of response.body ?? []) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), "text");
      await assert.rejects(response.text(), TypeError);
      const broken = new Response(
        new ReadableStream({ start: (controller) => controller.error(new TypeError("terminated")) }),
      );
      await assert.rejects(broken.text(), { message: "terminated" });
    });
  });
}
