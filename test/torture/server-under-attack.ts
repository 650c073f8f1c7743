// An embedded server in a process of its own, raw connections to it, and what it costs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import type { TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { KubeConfig } from "@kubernetes/client-node";
import { startEmbeddedProcess } from "../clients/embedded-process.ts";
import type { HostileRequest } from "./hostile-requests.ts";

const TIMEOUT_MS = 10_000;

/** Requests and connections are an administrator's, by certificate. */
export interface ServerUnderAttack {
  /** Rejects without an answer within ten seconds. */
  send(request: HostileRequest): Promise<{ status: number; text: string }>;
  /** A connection of its own. */
  open(): Promise<TLSSocket>;
  rssMiB(): number;
  openFiles(): number;
  /** What the server logged as errors. */
  failures(): string[];
}

export async function startServerUnderAttack(
  t: TestContext,
  { parallel }: { parallel: number },
): Promise<ServerUnderAttack> {
  const server = await startEmbeddedProcess();
  t.after(() => server.stop());
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(server.kubeconfigPath);
  const cluster = kubeconfig.getCurrentCluster();
  const user = kubeconfig.getCurrentUser();
  assert.ok(cluster && user);
  const ca = Buffer.from(cluster.caData ?? "", "base64");
  const credentials = {
    ca,
    cert: Buffer.from(user.certData ?? "", "base64"),
    key: Buffer.from(user.keyData ?? "", "base64"),
  };
  const { hostname, port } = new URL(cluster.server);
  const agent = new Agent({ ...credentials, keepAlive: true, maxSockets: parallel });
  t.after(() => agent.destroy());
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const request = httpsRequest(cluster.server, {
          agent,
          path,
          method,
          // Node frames the body of a DELETE or OPTIONS only if it is told how long that is.
          headers: { ...headers, "content-length": body?.length ?? 0 },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        request.on("error", reject).on("response", (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text })).on("error", reject);
        });
        request.end(body);
      }),
    async open() {
      const socket = connect({ ...credentials, host: hostname, port: Number(port) });
      // Who is hung up on has nothing to say; what the server made of it shows elsewhere.
      socket.on("error", () => {});
      await once(socket, "secureConnect");
      return socket;
    },
    rssMiB: () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
    openFiles: () => readdirSync(`/proc/${server.pid}/fd`).length,
    failures: () =>
      server
        .log()
        .split("\n")
        .filter((line) => line.includes('"level":"error"')),
  };
}
