/** Responses: objects, lists and Status errors as JSON, YAML or tables. */
import type { JsonObject } from "../object.ts";
import { StatusError } from "../status-error.ts";
import { TextResponse } from "./text-response.ts";

export function respondJson(body: unknown, options: { code?: number; warnings?: readonly string[] } = {}): Response {
  return respondText(JSON.stringify(body), options);
}

export function respondText(text: string, options: { code?: number; warnings?: readonly string[] } = {}): Response {
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-cache, private" });
  for (const warning of options.warnings ?? []) headers.append("warning", toWarning(warning));
  return new TextResponse(`${text}\n`, { status: options.code ?? 200, headers });
}

/** As the value of a Warning header. */
export function toWarning(text: string): string {
  return `299 - ${JSON.stringify(text.replace(/[^\x20-\x7e]/g, "?"))}`;
}

/** JSON that is made, and sent, one chunk at a time, as fast as the client takes it. */
export function respondChunks(chunks: Iterable<string>): Response {
  const stream = ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
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

export function successStatus(details: JsonObject): JsonObject {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}
