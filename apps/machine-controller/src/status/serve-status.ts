/** Serves health and metrics, each on an address of its own; several may share one address. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Address } from "../flags/go-values.ts";
import { UsageError } from "../usage-error.ts";

export type StatusPage = (
  url: string,
) => Promise<{ status: number; text: string | Uint8Array; type?: string } | undefined>;

/** @throws UsageError where the address is taken. Without an address it serves nothing. */
export async function serveStatus(options: {
  address: Address | false;
  /** For the error. */
  flag: string;
  /** Asked in order; the first that knows the URL answers. */
  pages: readonly StatusPage[];
}): Promise<{ port: number; close: () => Promise<void> }> {
  const { address, flag, pages } = options;
  if (!address) return { port: 0, close: async () => undefined };
  const server = createServer((request, response) => {
    answer(pages, request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(`${String(error)}\n`);
    });
  });
  const port = await listen(server, address, flag);
  return {
    port,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(pages: readonly StatusPage[], { url = "/", method }: IncomingMessage, response: ServerResponse) {
  if (method !== "GET" && method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
  for (const page of pages) {
    const found = await page(url);
    if (found === undefined) continue;
    response.writeHead(found.status, { "content-type": found.type ?? "text/plain; charset=utf-8" }).end(found.text);
    return;
  }
  response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
}

function listen(server: Server, { host, port }: Address, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new UsageError(`${flag} ${host}:${port} cannot be served (${cause.code}); give another address`, { cause }),
      ),
    );
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}
