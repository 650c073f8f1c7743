// A proxy on loopback between the controller and its API server that answers, breaks and cuts as it is told. It speaks plain
// HTTP to the controller, whose own credentials it passes on.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

/** `refuse`: answered with this status, nothing happens. `lose`: it happens, and the answer says 500. `drop`: no answer. */
export type Fault = { refuse: 409 | 429 | 500 } | "lose" | "drop";

export type FaultyProxy = {
  /** A kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** Asked about every request; undefined passes it on. */
  strike: (request: { method: string; path: string }) => Fault | undefined;
  /** How many faults have struck. */
  readonly struck: number;
  /** Breaks the connection of every watch. @returns how many there were. */
  cutWatches(): number;
  /** Breaks every connection and takes no more, as a server that was stopped. */
  stop(): void;
  start(): void;
  close(): Promise<void>;
};

const REASONS = { 409: "Conflict", 429: "TooManyRequests", 500: "InternalError" } as const;

type Kubeconfig = {
  clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
  users: { user: { "client-certificate-data"?: string; "client-key-data"?: string } }[];
};

export async function startFaultyProxy(kubeconfig: string): Promise<FaultyProxy> {
  const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const [{ cluster } = { cluster: { server: "" } }] = config.clusters;
  const [{ user } = { user: {} }] = config.users;
  const upstream = new URL(cluster.server);
  const decode = (data: string | undefined) => data && Buffer.from(data, "base64");
  const agent = new Agent({
    keepAlive: true,
    ca: decode(cluster["certificate-authority-data"]) ?? "",
    ...(user["client-certificate-data"] && {
      cert: decode(user["client-certificate-data"]),
      key: decode(user["client-key-data"]),
    }),
  });
  const watches = new Set<ServerResponse>();
  let isStopped = false;
  let struck = 0;

  const server = createServer((incoming, outgoing) => {
    if (isStopped) return void incoming.socket.destroy();
    const { method = "GET", url = "/" } = incoming;
    const fault = proxy.strike({ method, path: url });
    if (fault !== undefined) struck += 1;
    if (fault === "drop") return void incoming.socket.destroy();
    if (typeof fault === "object") return answer(outgoing, fault.refuse);
    forward(incoming, outgoing, fault === "lose");
  });

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, isLost: boolean): void {
    const { method, url, headers } = incoming;
    const isWatch = /[?&]watch=true/.test(url ?? "");
    const passed = request(
      {
        agent,
        host: upstream.hostname,
        port: upstream.port,
        method,
        path: url,
        headers: { ...headers, host: upstream.host },
      },
      (response) => {
        if (isLost) return void response.resume().on("end", () => answer(outgoing, 500));
        if (isWatch) watches.add(outgoing);
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      },
    );
    outgoing.on("close", () => {
      watches.delete(outgoing);
      if (!outgoing.writableFinished) passed.destroy();
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const folder = mkdtempSync(join(tmpdir(), "faulty-proxy-"));
  const path = join(folder, "kubeconfig");
  cluster.server = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  delete cluster["certificate-authority-data"];
  delete user["client-certificate-data"];
  delete user["client-key-data"];
  writeFileSync(path, stringify(config), { mode: 0o600 });

  const proxy: FaultyProxy = {
    kubeconfig: path,
    strike: () => undefined,
    get struck() {
      return struck;
    },
    cutWatches() {
      const count = watches.size;
      for (const watch of watches) watch.destroy();
      return count;
    },
    stop() {
      isStopped = true;
      server.closeAllConnections();
    },
    start: () => void (isStopped = false),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
      rmSync(folder, { recursive: true });
    },
  };
  return proxy;
}

function answer(outgoing: ServerResponse, code: 409 | 429 | 500): void {
  const status = {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    code,
    reason: REASONS[code],
    message: "a fault",
  };
  outgoing.writeHead(code, { "content-type": "application/json", ...(code === 429 && { "retry-after": "1" }) });
  outgoing.end(JSON.stringify(status));
}
