import assert from "node:assert/strict";
import { test } from "node:test";
import { createSharedLookups } from "./shared-lookups.ts";

const { signal } = new AbortController();

function world() {
  let nowMs = 0;
  const clock = { now: () => nowMs, sleep: () => Promise.reject(new Error("no wait")) };
  const calls: (PromiseWithResolvers<string | undefined> & { signal: AbortSignal })[] = [];
  const look = ({ signal }: { signal: AbortSignal }) => {
    const call = { ...Promise.withResolvers<string | undefined>(), signal };
    signal.addEventListener("abort", () => call.reject(signal.reason));
    calls.push(call);
    return call.promise;
  };
  const lookups = createSharedLookups({ clock, ttlMs: 1_000 });
  const get = (key: string, by = signal) => lookups.get(key, look, { signal: by });
  return { lookups, get, calls, pass: (ms: number) => (nowMs += ms) };
}
/** Lets everything run that only waits for promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("lookups of the same thing share one call, also later, until they are old", async () => {
  const { get, calls, pass } = world();
  const both = Promise.all([get("a"), get("a")]);
  calls[0]?.resolve("found");
  assert.deepEqual(await both, ["found", "found"]);
  pass(999);
  assert.equal(await get("a"), "found");
  assert.equal(calls.length, 1);
  pass(1);
  void get("a");
  void get("b");
  assert.equal(calls.length, 3);
});

test("absence and failure are told to all who asked, and not kept", async () => {
  const { get, calls } = world();
  const absent = Promise.all([get("a"), get("a")]);
  calls[0]?.resolve(undefined);
  assert.deepEqual(await absent, [undefined, undefined]);
  const failed = Promise.allSettled([get("a"), get("a")]);
  calls[1]?.reject(new Error("away"));
  assert.deepEqual(
    (await failed).map(({ status }) => status),
    ["rejected", "rejected"],
  );
  const found = get("a");
  calls[2]?.resolve("found");
  assert.equal(await found, "found");
  assert.equal(calls.length, 3);
});

test("who gives up leaves at once; the others get their answer all the same", async () => {
  const { get, calls } = world();
  const [first, second] = [new AbortController(), new AbortController()];
  const leader = get("a", first.signal);
  const follower = get("a", second.signal);
  const last = get("a");
  second.abort(new Error("stop 2"));
  await assert.rejects(follower, /stop 2/);
  first.abort(new Error("stop 1"));
  await assert.rejects(leader, /stop 1/);
  await settle();
  assert.equal(calls.length, 2);
  calls[1]?.resolve("found");
  assert.equal(await last, "found");
});

test("what is forgotten while it is asked for is not kept", async () => {
  const { lookups, get, calls } = world();
  const old = get("a");
  lookups.forget();
  const fresh = get("a");
  calls[0]?.resolve(undefined);
  calls[1]?.resolve("fresh");
  assert.deepEqual([await old, await fresh, await get("a")], [undefined, "fresh", "fresh"]);
  assert.equal(calls.length, 2);
});
