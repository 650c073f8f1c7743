/** Carries requests of a Node server to the control plane, and its answers back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import type { ControlPlane } from "../control-plane.ts";
import type { Connection } from "../security/authenticate.ts";
import { TextResponse } from "./text-response.ts";

/** `stopping` ends answers that have no end of their own, such as watches. */
export function createListener(controlPlane: Pick<ControlPlane, "answer">, stopping: AbortSignal) {
  const connections = new WeakMap<Socket, Connection>();
  const connectionOf = (socket: Socket): Connection => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection = describe(socket);
    connections.set(socket, connection);
    return connection;
  };
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const left = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) left.abort();
      // The answer may have begun before it could say that it is the connection's last.
      else if (stopping.aborted) incoming.socket.end();
    });
    if (stopping.aborted) outgoing.setHeader("connection", "close");
    const { method = "GET" } = incoming;
    const hasBody = method !== "GET" && method !== "HEAD";
    const request = {
      method,
      url: `https://${incoming.headers.host ?? "localhost"}${incoming.url ?? "/"}`,
      headers: toHeaders(incoming.rawHeaders),
      signal: left.signal,
      body: hasBody ? incoming : null,
    };
    controlPlane
      .answer(request, connectionOf(incoming.socket))
      .then((response) => send(response, outgoing, [left.signal, stopping]))
      // Only a client that is gone gets here: the control plane answers every failure itself.
      .catch(() => outgoing.destroy());
  };
}

function describe(socket: Socket): Connection {
  const remote = socket.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress };
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate === undefined ? remote : { ...remote, peerCertificatePem: certificate.toString() };
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index] ?? "", raw[index + 1] ?? "");
  return headers;
}

async function send(response: Response, outgoing: ServerResponse, ends: AbortSignal[]): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.statusCode = response.status;
  // What is left of a body nobody read would be taken for the next request.
  if (!outgoing.req.complete) outgoing.setHeader("connection", "close");
  if (response instanceof TextResponse) {
    outgoing.setHeader("content-length", Buffer.byteLength(response.content));
    outgoing.end(response.content);
    return;
  }
  if (response.body === null) {
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  const signal = AbortSignal.any(ends);
  const reader = response.body.getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  // A watch that begins while the server stops ends as it begins.
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  for (;;) {
    // What breaks off is not ended, so that nobody takes it for whole.
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await drained(outgoing, signal);
  }
  signal.removeEventListener("abort", stop);
  outgoing.end();
}

function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    outgoing.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
