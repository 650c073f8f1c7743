/** Serves a control plane over HTTPS; clients may show a certificate of its CA. */
import { createServer } from "node:https";
import { isIP } from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ControlPlane } from "../control-plane.ts";
import { StatusError } from "../status-error.ts";
import { createListener } from "./listener.ts";

export type ServeOptions = {
  host: string;
  /** 0: any free one. */
  port: number;
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
  /** How long `close` waits for requests at work; 10 s if left out. */
  graceMs?: number;
};

export type ServedControlPlane = {
  url: string;
  port: number;
  /** Takes no new requests, ends watches, and settles when the others have their answers. */
  close(): Promise<void>;
};

/** Rejects with the error of `listen`, such as EADDRINUSE. */
export async function serveControlPlane(
  controlPlane: ControlPlane,
  options: ServeOptions,
): Promise<ServedControlPlane> {
  const { host } = options;
  const { certificatePem, privateKeyPem } = await controlPlane.servingCertificate({
    dnsNames: [...DNS_NAMES, ...(isIP(host) === 0 ? [host] : []), ...(options.dnsNames ?? [])],
    ipAddresses: [...IP_ADDRESSES, ...(isIP(host) === 0 ? [] : [host]), ...(options.ipAddresses ?? [])],
  });
  const stopping = new AbortController();
  const server = createServer(
    {
      key: privateKeyPem,
      cert: certificatePem,
      ca: controlPlane.caCertificatePem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      // A request must have arrived as a whole by then; its answer, such as a watch, may take as long as it likes.
      requestTimeout: RECEIVE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    createListener(controlPlane, stopping.signal),
  );
  server.on("clientError", refuse);
  // The server knows of connections whose handshake is done; it waits for the others just so.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    url: `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.on("secureConnection", (socket) => socket.destroy());
      stopping.abort();
      server.closeIdleConnections();
      // What is at work gets its answer; a client that does not take it waits for nothing.
      const patience = AbortSignal.timeout(options.graceMs ?? GRACE_MS);
      patience.addEventListener("abort", () => {
        for (const socket of sockets) socket.destroy();
      });
      await closed;
    },
  };
}

const RECEIVE_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** What Go's server takes. */
const MAX_HEADER_BYTES = 1024 * 1024;
const GRACE_MS = 10_000;

const CODES: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
};

/** Answers what is no HTTP request with a Status, and hangs up. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [code, text] = CODES[error.code ?? ""] ?? [400, "Bad Request"];
  const status = { ...new StatusError("BadRequest", text).toStatus(), code };
  const body = `${JSON.stringify(status)}\n`;
  const head = `HTTP/1.1 ${code} ${text}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

const DNS_NAMES = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];
const IP_ADDRESSES = ["127.0.0.1", "::1"];
