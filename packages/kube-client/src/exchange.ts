// One request, one answer, on any transport: failures become KubeErrors, aborts settle at once.
import { startDeadline, untilAborted } from "./cancellation.ts";
import type { Clock } from "./clock.ts";
import { KubeError, isKubeError } from "./kube-error.ts";
import { fromResponse } from "./status.ts";
import type { ApiRequest, ApiResponse, Transport } from "./transport.ts";

export type Call = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  /** Entries that are undefined are left out. */
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  signal: AbortSignal;
};

export type Exchange = {
  /** Resolves with a 2xx answer once its headers are there. `call.signal` ends the opening, not the reading of the body. */
  open(call: Call): Promise<ApiResponse>;
  /** Reads the whole answer within the request timeout. A read that broke off is tried once more, a mutation never. */
  json<T>(call: Call): Promise<T>;
};

export function createExchange(options: {
  baseUrl: string;
  transport: Transport;
  userAgent: string;
  requestTimeoutMs: number;
  clock: Clock;
}): Exchange {
  const { transport, userAgent, requestTimeoutMs, clock } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");

  async function send(call: Call, signal: AbortSignal): Promise<ApiResponse> {
    const headers: Record<string, string> = { accept: "application/json", "user-agent": userAgent };
    if (call.body !== undefined) headers["content-type"] = call.contentType ?? "application/json";
    const answer = carry(transport, {
      method: call.method,
      url: `${baseUrl}${call.path}${toSearch(call.query)}`,
      headers,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal,
    });
    try {
      const response = await untilAborted(answer, signal);
      if (response.ok) return response;
      throw await untilAborted(fromResponse(response, clock), signal);
    } catch (error) {
      if (signal.aborted) discard(answer);
      throw toKubeError(error, signal);
    }
  }

  function within(call: Call): ReturnType<typeof startDeadline> {
    const reason = (): Error =>
      new KubeError("Unreachable", `no answer to ${call.method} ${call.path} within ${requestTimeoutMs} ms`);
    return startDeadline({ signal: call.signal, clock, timeoutMs: requestTimeoutMs, reason });
  }

  async function whole<T>(call: Call, signal: AbortSignal): Promise<T> {
    const response = await send(call, signal);
    let text: string;
    try {
      text = await untilAborted(response.text(), signal);
    } catch (error) {
      throw toKubeError(error, signal);
    }
    try {
      return JSON.parse(text) as T;
    } catch {
      // The parser's message quotes the body, which may be a Secret.
      throw new KubeError("Malformed", `the answer to ${call.method} ${call.path} is not JSON`, {
        status: response.status,
      });
    }
  }

  return {
    async open(call) {
      using deadline = within(call);
      return await send(call, deadline.signal);
    },
    async json<T>(call: Call): Promise<T> {
      using deadline = within(call);
      try {
        return await whole<T>(call, deadline.signal);
      } catch (error) {
        if (call.method !== "GET" || deadline.signal.aborted || !isKubeError(error, "Unreachable")) throw error;
        return await whole<T>(call, deadline.signal);
      }
    },
  };
}

/** A caller's abort stays the caller's reason; everything else without an HTTP answer is Unreachable. */
export function toKubeError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (isKubeError(error)) return error;
  return new KubeError("Unreachable", "the connection to the API server failed", { cause: error });
}

async function carry(transport: Transport, request: ApiRequest): Promise<ApiResponse> {
  return await transport(request);
}

function discard(answer: Promise<ApiResponse>): void {
  // Nor may a body that is being read, and cannot be cancelled any more, trouble anybody.
  answer.then((response) => response.body?.cancel()).catch(() => undefined);
}

function toSearch(query: Call["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? "" : `?${search.toString()}`;
}
