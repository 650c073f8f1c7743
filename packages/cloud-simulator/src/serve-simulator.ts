/**
 * Puts a simulator on a port, with a back door for people and tests beside its API:
 * `GET|PUT|POST /_simulator/faults`, `GET /_simulator/requests`, `GET /_simulator/machines`.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { FaultRule } from "./faults.ts";
import { ConnectionError } from "./handler.ts";
import type { Simulator } from "./simulator.ts";

export type ServedSimulator = { url: string; port: number; close(): Promise<void> };

/** Port 0 takes a free one. Closing cuts open connections; it does not close the simulator. */
export async function serveSimulator(
  simulator: Simulator,
  { host, port }: { host: string; port: number },
): Promise<ServedSimulator> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const { faults } = simulator;
  app.get("/_simulator/faults", (c) => c.json(faults.rules()));
  app.put("/_simulator/faults", async (c) => {
    faults.replace(await c.req.json<FaultRule[]>());
    return c.json(faults.rules());
  });
  app.post("/_simulator/faults", async (c) => {
    faults.add(await c.req.json<FaultRule>());
    return c.json(faults.rules());
  });
  app.get("/_simulator/requests", (c) => c.json(simulator.requests()));
  app.get("/_simulator/machines", (c) =>
    c.json(
      simulator.machines().map(({ spec, isOn, console }) => {
        const { userData: _, ...facts } = spec;
        return { ...facts, isOn, console };
      }),
    ),
  );
  app.all("*", async (c) => {
    try {
      return await simulator.handle(c.req.raw);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      c.env.outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
  });

  const listener = getRequestListener((request, env) => app.fetch(request, env));
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  server.listen(port, host);
  await once(server, "listening");
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    port: taken,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
