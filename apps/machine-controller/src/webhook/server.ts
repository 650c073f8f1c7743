/** Serves a handler over TLS, with a certificate that can be replaced while it serves. */
import { createServer, type Server } from "node:https";
import { createAdaptorServer } from "@hono/node-server";
import { UsageError } from "../usage-error.ts";
import type { ServingCertificate } from "./certificate-files.ts";

export type WebhookServer = {
  port: number;
  /** For new connections; those that stand keep theirs. */
  replaceCertificate(certificate: ServingCertificate): void;
  /** Answers what was asked, then ends; whatever is left after the grace period is cut off. */
  close(options: { graceMs: number }): Promise<void>;
};

/** @throws UsageError where the address is taken. */
export async function serveWebhook(options: {
  handle: (request: Request) => Promise<Response>;
  address: { host: string; port: number };
  certificate: ServingCertificate;
}): Promise<WebhookServer> {
  const { host, port } = options.address;
  const tls = ({ certificatePem, privateKeyPem }: ServingCertificate) => ({ cert: certificatePem, key: privateKeyPem });
  const server = createAdaptorServer({
    fetch: (request) => options.handle(request),
    overrideGlobalObjects: false,
    createServer,
    serverOptions: tls(options.certificate),
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new UsageError(`--listen-address ${host}:${port} cannot be served (${cause.code}); give another`, { cause }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    replaceCertificate: (certificate) => server.setSecureContext(tls(certificate)),
    close: ({ graceMs }) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
