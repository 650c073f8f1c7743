import { once } from "node:events";
import { createServer, type Server } from "node:net";

const LOWEST = 20_000;
const COUNT = 12_000;

/**
 * Different ports of 127.0.0.1 on which nothing listens. They are below those that systems give to outgoing
 * connections, so that no connection takes one before its server does.
 */
export async function freePorts<Names extends string>(...names: Names[]): Promise<Record<Names, number>> {
  const held = new Map<number, Server>();
  while (held.size < names.length) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening").then(
      () => held.set(port, server),
      () => undefined,
    );
  }
  await Promise.all([...held.values()].map((server) => once(server.close(), "close")));
  const ports = [...held.keys()];
  return Object.fromEntries(names.map((name, index) => [name, ports[index]])) as Record<Names, number>;
}
