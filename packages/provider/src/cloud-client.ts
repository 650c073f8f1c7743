/**
 * JSON over HTTP for clouds without an official SDK. One call, one request: nothing is retried here, because whether a
 * repeat is safe is known only to the create protocol above. What the lost answer of a call means is decided here:
 * of a read, that the cloud is `Unavailable`; of a change, that its outcome is unknown.
 */
import type { Clock, Fetch } from "./definition.ts";
import { isProviderError, ProviderError, TerminalError } from "./errors.ts";

/** A cloud's answer with a status of 400 and above. */
export type ErrorAnswer = { status: number; headers: Headers; body: unknown; method: string; path: string };

export type CloudClient = {
  get<T>(path: string, options: { query?: Query; signal: AbortSignal }): Promise<T>;
  post<T>(path: string, options: { body: unknown; signal: AbortSignal }): Promise<T>;
  put<T>(path: string, options: { body: unknown; signal: AbortSignal }): Promise<T>;
  delete<T>(path: string, options: { signal: AbortSignal }): Promise<T>;
};
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
type Parameters = { query?: Query | undefined; body?: unknown; signal: AbortSignal };

export function createCloudClient(options: {
  /** The cloud's name in errors. */
  title: string;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  fetch: Fetch;
  clock: Clock;
  /** Longest wait for one answer, in milliseconds. */
  timeoutMs?: number;
  /** Gives the vendor's error its code; undefined leaves it to the HTTP status. */
  classify(answer: ErrorAnswer): ProviderError | undefined;
}): CloudClient {
  const { title, fetch, clock, timeoutMs = 30_000 } = options;
  const base = options.baseUrl.replace(/\/$/, "");

  function toRequest(method: string, path: string, { query, body, signal }: Parameters): Request {
    try {
      const url = new URL(base + path);
      for (const [key, value] of Object.entries(query ?? {})) {
        if (value !== undefined) url.searchParams.set(key, String(value));
      }
      const headers = new Headers({ accept: "application/json", ...options.headers });
      if (body !== undefined) headers.set("content-type", "application/json");
      // A redirected change would arrive as a read, and a redirected credential somewhere else.
      const init = { method, headers, signal, redirect: "manual" } as const;
      return new Request(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    } catch {
      // Without its cause, which would show the header and so the credential.
      throw new TerminalError(
        "InvalidConfiguration",
        `no request to ${title} can be made: the endpoint is not a URL, or the credential has characters no header takes`,
      );
    }
  }

  async function call(method: string, path: string, { query, body, signal }: Parameters): Promise<unknown> {
    const deadline = new AbortController();
    const request = toRequest(method, path, { query, body, signal: AbortSignal.any([signal, deadline.signal]) });
    const finished = new AbortController();
    const late = clock
      .sleep(timeoutMs, { signal: finished.signal })
      .then(() => deadline.abort(new Error(`no answer within ${timeoutMs} ms`)))
      .catch(() => undefined);
    try {
      const response = await fetch(request);
      const text = await response.text();
      if (!response.ok) {
        const answer = { status: response.status, headers: response.headers, body: tryParse(text), method, path };
        throw options.classify(answer) ?? byStatus(title, answer);
      }
      return text === "" ? undefined : JSON.parse(text);
    } catch (cause) {
      if (isProviderError(cause)) throw cause;
      throw lost({ title, method, path }, deadline.signal.aborted ? deadline.signal.reason : cause);
    } finally {
      finished.abort("answered");
      await late;
    }
  }

  return {
    get: (path, request) => call("GET", path, request) as Promise<never>,
    post: (path, request) => call("POST", path, request) as Promise<never>,
    put: (path, request) => call("PUT", path, request) as Promise<never>,
    delete: (path, request) => call("DELETE", path, request) as Promise<never>,
  };
}

function byStatus(title: string, { status, method, path }: ErrorAnswer): ProviderError {
  const message = `${title} answered ${method} ${path} with ${status}`;
  if (status === 401 || status === 403) return new ProviderError("Unauthorized", message);
  if (status === 429) return new ProviderError("RateLimited", message);
  // A gateway's answer says nothing about what the service behind it did.
  if (status >= 500) return new ProviderError(method === "GET" ? "Unavailable" : "UnknownOutcome", message);
  return new ProviderError("Terminal", message);
}

function lost({ title, method, path }: { title: string; method: string; path: string }, cause: unknown): ProviderError {
  // fetch says only "fetch failed"; what failed is in its cause.
  const root = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = root instanceof Error ? root.message : String(root);
  return method === "GET"
    ? new ProviderError("Unavailable", `${title} did not answer ${method} ${path}: ${why}`, { cause })
    : new ProviderError("UnknownOutcome", `the answer of ${title} to ${method} ${path} is lost: ${why}`, { cause });
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
