/** Responses: objects, lists and Status errors as JSON, YAML or tables. */
import type { JsonObject } from "../object.ts";
import { StatusError } from "../status-error.ts";
import { TextResponse } from "./text-response.ts";

export function respondJson(body: unknown, options: { code?: number } = {}): Response {
  return respondText(JSON.stringify(body), options);
}

export function respondText(text: string, options: { code?: number } = {}): Response {
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-cache, private" });
  return new TextResponse(`${text}\n`, { status: options.code ?? 200, headers });
}

const MAX_WARNING_RUNES = 4096;
const MAX_LONG_WARNING_RUNES = 256;

/** Each text once, in Warning headers. Those that would be too long together are cut short, and what is still too much is left out. */
export function addWarnings(headers: Headers, texts: readonly string[]): void {
  if (texts.length === 0) return;
  const runes = Array.from(new Set(texts), (text) => Array.from(text));
  const isTooLong = runes.reduce((sum, { length }) => sum + length, 0) > MAX_WARNING_RUNES;
  let written = 0;
  for (const all of runes) {
    const kept = isTooLong ? all.slice(0, MAX_LONG_WARNING_RUNES) : all;
    if (isTooLong && written >= MAX_WARNING_RUNES) return;
    written += kept.length;
    headers.append("warning", `299 - ${JSON.stringify(kept.join("").replace(/[^\x20-\x7e]/g, "?"))}`);
  }
}

/** JSON that is made, and sent, one piece at a time, as fast as the client takes it. */
export function respondPieces(pieces: Iterable<string>): Response {
  const stream = ReadableStream.from(Iterator.from(pieces).map((text) => Buffer.from(text)));
  return new Response(stream, {
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  });
}

/** Unforeseen errors become InternalError without a word of what went wrong inside. */
export function respondError(error: unknown): Response {
  const status =
    error instanceof StatusError
      ? error
      : new StatusError("InternalError", "Internal error occurred: see the server's log", { cause: error });
  const response = respondJson(status.toStatus(), { code: status.code });
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter !== undefined) response.headers.set("retry-after", String(retryAfter));
  return response;
}

export function successStatus(more: { details: JsonObject } | { code: number }): JsonObject {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", ...more };
}
