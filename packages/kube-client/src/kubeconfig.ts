import { isDeepStrictEqual } from "node:util";
import { type Clock, systemClock } from "./clock.ts";
import { type Credentials, loadCredentials } from "./credentials.ts";
import type { HttpConnections, TlsOptions } from "./http-transport.ts";
import { type KubeClient, createKubeClient } from "./kube-client.ts";
import type { ApiResponse, Transport } from "./transport.ts";

export type ConnectOptions = {
  /** A path; undefined: `KUBECONFIG`, then `~/.kube/config`, then the Pod's service account. */
  kubeconfig?: string;
  /** Replaces the server's URL. */
  master?: string;
  context?: string;
  userAgent?: string;
  requestTimeoutMs?: number;
  clock?: Clock;
  /** Runs around every request, for metrics and traces. */
  wrap?: (transport: Transport) => Transport;
};

/**
 * A client for the cluster of a kubeconfig: tokens, token files, client certificates, exec and auth-provider plugins,
 * CAs, proxies, in-cluster. Rotated credentials are picked up. `close` cuts off what still runs.
 * Throws KubeError InvalidKubeconfig; does not talk to the server yet.
 */
export async function connectKubeconfig(
  options: ConnectOptions,
): Promise<{ client: KubeClient; server: string; close: () => Promise<void> }> {
  const { kubeconfig, master, context, clock = systemClock, wrap = (transport) => transport, ...rest } = options;
  const credentials = loadCredentials({ kubeconfig, master, context, clock });
  const { server } = credentials;
  const { transport, close } = await createKubeconfigTransport(credentials);
  return { client: createKubeClient({ ...rest, baseUrl: server, transport: wrap(transport), clock }), server, close };
}

async function createKubeconfigTransport(
  credentials: Credentials,
): Promise<{ transport: Transport; close: () => Promise<void> }> {
  const { createHttpConnections } = await import("./http-transport.ts");
  const { proxyUrl } = credentials;
  const open = new Set<HttpConnections>();
  let current: { tls: TlsOptions; connections: HttpConnections } | undefined;

  /** New client certificates or CAs need new connections; calls on the old ones run to their end. */
  function connectionsFor(tls: TlsOptions): HttpConnections {
    if (current !== undefined && isDeepStrictEqual(current.tls, tls)) return current.connections;
    const old = current?.connections;
    if (old !== undefined) {
      const forget = (): boolean => open.delete(old);
      old.close().then(forget, forget);
    }
    const connections = createHttpConnections({ tls, ...(proxyUrl !== undefined && { proxyUrl }) });
    open.add(connections);
    current = { tls, connections };
    return connections;
  }

  return {
    async transport(request) {
      const send = async (): Promise<ApiResponse> => {
        const { headers, tls } = await credentials.current();
        return await connectionsFor(tls).send({ ...request, headers: { ...request.headers, ...headers } });
      };
      const answer = await send();
      // A request refused for its credentials has done nothing: the one case in which a mutation may be sent again.
      if (answer.status !== 401 || !credentials.renew()) return answer;
      await answer.body?.cancel();
      return await send();
    },
    async close() {
      await Promise.all([...open].map((connections) => connections.destroy()));
    },
  };
}
