// HTTP/1.1 over kept-alive connections. Watches have connections of their own, so that they cannot starve requests.
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { ConnectionOptions } from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent, Socks5ProxyAgent, request } from "undici";
import type { ApiRequest, ApiResponse } from "./transport.ts";

export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "pfx" | "passphrase" | "rejectUnauthorized" | "servername"
>;

export type HttpConnections = {
  send(request: ApiRequest): Promise<ApiResponse>;
  /** Takes no new calls and resolves when the running ones have ended. */
  close(): Promise<void>;
  /** Cuts everything off. */
  destroy(): Promise<void>;
};

/** At once, without watches; more calls wait for a free one. */
const MAX_CONNECTIONS = 64;
/** The kernel's keep-alive probes find a dead peer behind a silent watch. */
const PROBE_AFTER_MS = 30_000;

/** `proxyUrl`: http, https or socks5; absent: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count. */
export function createHttpConnections({ tls, proxyUrl }: { tls: TlsOptions; proxyUrl?: string }): HttpConnections {
  const calls = createDispatcher(tls, proxyUrl, { connections: MAX_CONNECTIONS });
  const streams = createDispatcher(tls, proxyUrl, { connections: null, bodyTimeout: 0 });
  return {
    async send({ url, method, headers, body, signal }) {
      const isStream = isStreaming(url);
      const dispatcher = isStream ? streams : calls;
      // Else a DELETE with a body, such as every one with a precondition, would end its connection.
      const options = { dispatcher, method, headers, body: body ?? null, signal, reset: false };
      const { statusCode: status, headers: received, body: stream } = await request(url, options);
      if (isStream) {
        const init = { status, headers: toHeaders(received) };
        return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, init);
      }
      const text = await stream.text();
      return {
        ok: status >= 200 && status < 300,
        status,
        headers: { get: (name) => toHeaders(received).get(name) },
        body: null,
        text: async () => text,
        json: async () => JSON.parse(text) as unknown,
      };
    },
    async close() {
      await Promise.all([calls.close(), streams.close()]);
    },
    async destroy() {
      await Promise.all([calls.destroy(), streams.destroy()]);
    },
  };
}

function createDispatcher(
  tls: TlsOptions,
  proxyUrl: string | undefined,
  limits: { connections: number | null; bodyTimeout?: number },
): Dispatcher {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS };
  const options = { ...limits, pipelining: 1, allowH2: false, connect, requestTls: connect };
  if (proxyUrl === undefined) {
    const hasProxy = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"].some((name) => process.env[name]);
    return hasProxy ? new EnvHttpProxyAgent(options) : new Agent(options);
  }
  if (!proxyUrl.startsWith("socks")) return new ProxyAgent({ ...options, uri: proxyUrl });
  return new Socks5ProxyAgent(proxyUrl, { ...limits, pipelining: 1, allowH2: false, requestTls: connect });
}

function isStreaming(url: string): boolean {
  const query = new URL(url).searchParams;
  return query.get("watch") === "true" || query.get("follow") === "true";
}

function toHeaders(raw: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const single of Array.isArray(value) ? value : [value]) if (single !== undefined) headers.append(name, single);
  }
  return headers;
}
