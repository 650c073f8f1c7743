// The body of a watch: one JSON event a line, for as long as the server likes.
import { toKubeError } from "./exchange.ts";
import { KubeError } from "./kube-error.ts";
import type { KubeObject } from "./object.ts";
import { fromStatus } from "./status.ts";

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  /** Only `metadata.resourceVersion` and annotations are set. */
  | { type: "BOOKMARK"; object: KubeObject };

/** etcd refuses objects over 1.5 MiB; JSON escapes and CRD conversion may grow them. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 10;

/** Ends when the server closes between two lines. An ERROR event throws; so does a line cut short. */
export async function* readWatchEvents<T extends KubeObject>(
  body: ReadableStream<Uint8Array>,
  options: { signal: AbortSignal; maxLineBytes?: number },
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of readLines(body, options)) {
    const event = parseEvent<T>(line);
    if (event.type === "ERROR") throw fromStatus(event.object, {});
    yield event;
  }
}

async function* readLines(
  body: ReadableStream<Uint8Array>,
  { signal, maxLineBytes = MAX_LINE_BYTES }: { signal: AbortSignal; maxLineBytes?: number },
): AsyncGenerator<string> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  let parts: Buffer[] = [];
  let size = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      let chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
        parts.push(chunk.subarray(0, end));
        const line = Buffer.concat(parts).toString("utf8").trim();
        chunk = chunk.subarray(end + 1);
        parts = [];
        size = 0;
        if (line !== "") yield line;
      }
      parts.push(chunk);
      size += chunk.length;
      if (size > maxLineBytes) throw new KubeError("Malformed", `a watch event is longer than ${maxLineBytes} bytes`);
    }
    if (Buffer.concat(parts).toString("utf8").trim() !== "") {
      throw new KubeError("Unreachable", "the watch broke off within an event");
    }
  } catch (error) {
    throw toKubeError(error, signal);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> | { type: "ERROR"; object: unknown } {
  let event: { type?: unknown; object?: unknown } | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw new KubeError("Malformed", "a watch event is not JSON");
  }
  switch (event?.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
    case "ERROR":
      return event as WatchEvent<T>;
    default:
      throw new KubeError("Malformed", "a watch event has no known type");
  }
}
