/** Serves a control plane over HTTPS; clients may show a certificate of its CA. */
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { createAdaptorServer } from "@hono/node-server";
import type { ControlPlane } from "../control-plane.ts";
import type { Connection } from "../security/authenticate.ts";

export type ServeOptions = {
  host: string;
  /** 0: any free one. */
  port: number;
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
};

export type ServedControlPlane = { url: string; port: number; close(): Promise<void> };

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
  const server = createAdaptorServer({
    fetch: (request, { incoming }) => controlPlane.handle(request, connectionOf(incoming as IncomingMessage)),
    overrideGlobalObjects: false,
    createServer,
    serverOptions: {
      key: privateKeyPem,
      cert: certificatePem,
      ca: controlPlane.caCertificatePem,
      requestCert: true,
      rejectUnauthorized: false,
      // A watch has no end; only its header must come in time.
      requestTimeout: 0,
      headersTimeout: 60_000,
    },
  }) as HttpsServer;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    url: `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const DNS_NAMES = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];
const IP_ADDRESSES = ["127.0.0.1", "::1"];

function connectionOf(incoming: IncomingMessage): Connection {
  const { socket } = incoming;
  const remote = socket.remoteAddress === undefined ? {} : { remoteAddress: socket.remoteAddress };
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate === undefined ? remote : { ...remote, peerCertificatePem: certificate.toString() };
}
