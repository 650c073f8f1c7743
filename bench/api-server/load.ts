/**
 * Requests over kept-alive TLS connections, one at a time on each: as cheap as a client can be, since it shares the
 * machine with the server that is measured. HTTP/1.1, no retries, no parsing of answers that nobody looks at.
 */
import { KubeConfig } from "@kubernetes/client-node";
import { Client } from "undici";

export type LoadRequest = { method?: "GET" | "POST" | "PATCH" | "DELETE"; path: string; type?: string; body?: string };

export type Load = {
  /** Sends on connection `writer`; throws on an answer above 299. */
  send(writer: number, request: LoadRequest): Promise<string>;
  /** Calls `onChunk` with what the answer brings, until `signal` aborts. Resolves when it has begun. */
  stream(path: string, options: { signal: AbortSignal; onChunk: (chunk: Buffer) => void }): Promise<void>;
  close(): Promise<void>;
};

/** `connections`: how many writers will send. */
export function openLoad({ kubeconfigPath, connections }: { kubeconfigPath: string; connections: number }): Load {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(kubeconfigPath);
  const { server, caData } = kubeconfig.getCurrentCluster() ?? {};
  const { token, certData, keyData } = kubeconfig.getCurrentUser() ?? {};
  if (server === undefined) throw new Error(`${kubeconfigPath} names no server`);
  const pem = (data: string): Buffer => Buffer.from(data, "base64");
  const connect = {
    ...(caData && { ca: pem(caData) }),
    ...(certData && { cert: pem(certData) }),
    ...(keyData && { key: pem(keyData) }),
  };
  const open = (): Client => new Client(server, { connect, bodyTimeout: 0, headersTimeout: 0 });
  const clients = Array.from({ length: connections }, open);
  const streams: Client[] = [];
  const credentials = token ? { authorization: `Bearer ${token}` } : {};

  return {
    async send(writer, { method = "GET", path, type = "application/json", body }) {
      const client = clients[writer % connections];
      if (client === undefined) throw new Error("the load has no connections");
      const headers = { ...credentials, accept: "application/json", "content-type": type };
      const answer = await client.request({ method, path, headers, body: body ?? null });
      const text = await answer.body.text();
      if (answer.statusCode > 299) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
      return text;
    },
    async stream(path, { signal, onChunk }) {
      const client = open();
      streams.push(client);
      const answer = await client.request({ method: "GET", path, headers: credentials, signal });
      answer.body.on("data", onChunk).on("error", () => {});
    },
    async close() {
      await Promise.all([...clients, ...streams].map((client) => client.destroy()));
    },
  };
}
