/** /healthz, /readyz and /metrics. */
import { createServer, type RequestListener, type Server } from "node:http";
import { collectDefaultMetrics, Registry } from "prom-client";
import { UsageError } from "./usage-error.ts";

type Address = { host: string; port: number };

/** @throws UsageError where an address is taken. */
export async function serveStatus(options: {
  health: Address;
  metrics: Address;
  isReady: () => boolean;
  isReachable: () => Promise<void>;
}): Promise<{ registry: Registry; close: () => Promise<void> }> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const health: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const answer = (status: number, text: string) =>
      response.writeHead(status, { "content-type": "text/plain" }).end(text);
    if (pathname === "/readyz")
      return void answer(options.isReady() ? 200 : 503, options.isReady() ? "ok" : "caches are not filled");
    if (pathname !== "/healthz") return void answer(404, "not found");
    options.isReachable().then(
      () => answer(200, "ok"),
      (error: unknown) => answer(503, error instanceof Error ? error.message : String(error)),
    );
  };
  const metrics: RequestListener = (request, response) => {
    if (request.url !== "/metrics") return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  };
  const servers = [
    await listen(health, options.health, "--health-probe-address"),
    await listen(metrics, options.metrics, "--metrics-address"),
  ];
  return {
    registry,
    async close() {
      for (const server of servers) server.close();
      for (const server of servers) server.closeAllConnections();
    },
  };
}

function listen(listener: RequestListener, { host, port }: Address, flag: string): Promise<Server> {
  const server = createServer(listener);
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new UsageError(`${flag} ${host}:${port} cannot be served (${cause.code}); give another address`, { cause }),
      ),
    );
    server.listen(port, host, () => resolve(server));
  });
}
