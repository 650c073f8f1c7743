import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { isKubeError } from "./kube-error.ts";
import { readWatchEvents } from "./watch-stream.ts";

const { signal } = new AbortController();

function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from<Uint8Array>(chunks);
}

test("events arrive whole however the network cuts them", async () => {
  const cuts = fc.array(fc.nat(400), { maxLength: 20 });
  const names = fc.array(fc.string({ unit: "binary" }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(names, cuts, async (names, cuts) => {
      const events = names.map((name) => ({ type: "MODIFIED", object: { metadata: { name } } }));
      const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = edges.slice(1).map((edge, index) => new Uint8Array(bytes.subarray(edges[index], edge)));
      assert.deepEqual(await collect(readWatchEvents(bodyOf(chunks), { signal })), events);
    }),
    { numRuns: 100 },
  );
});

const failing: [string, string, string][] = [
  [
    "an ERROR event throws the status it bears",
    '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n',
    "Expired",
  ],
  ["a line cut short is a connection that broke", '{"type":"ADDED","obj', "Unreachable"],
  ["a line that is not JSON is Malformed", "<html>\n", "Malformed"],
  ["an unknown kind of event is Malformed", '{"type":"RENAMED"}\n', "Malformed"],
  ["an endless line is refused", `"${"x".repeat(2000)}`, "Malformed"],
];
for (const [name, text, code] of failing) {
  test(name, async () => {
    const events = readWatchEvents(bodyOf([Buffer.from(text)]), { signal, maxLineBytes: 1000 });
    await assert.rejects(collect(events), (error) => isKubeError(error) && error.code === code);
  });
}

test("an abort in the midst of silence rejects with its reason and lets go of the body", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  let cancelled: unknown;
  const body = new ReadableStream<Uint8Array>({ cancel: (why) => void (cancelled = why) });
  const next = readWatchEvents(body, { signal: controller.signal }).next();
  controller.abort(reason);
  await assert.rejects(next, reason);
  assert.equal(cancelled, reason);
});

test("leaving the loop lets go of the body", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(Buffer.from('{"type":"BOOKMARK","object":{"metadata":{}}}\n')),
    cancel: () => void (isCancelled = true),
  });
  for await (const event of readWatchEvents(body, { signal })) {
    assert.equal(event.type, "BOOKMARK");
    break;
  }
  assert.ok(isCancelled);
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
