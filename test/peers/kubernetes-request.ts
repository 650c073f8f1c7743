// The smallest client that can talk to the real control plane: what tests it must not depend on our own client.
import { request } from "node:https";
import { text } from "node:stream/consumers";

export interface KubernetesEndpoint {
  /** https://host:port */
  server: string;
  caCertificatePem: string;
  /** Without it and without `client` the request is anonymous. */
  token?: string;
  client?: { certificatePem: string; privateKeyPem: string };
}

export interface KubernetesRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: object;
  signal?: AbortSignal;
}

/** Rejects when there is no HTTP answer; any status is one. `body` is parsed where the answer is JSON. */
export async function kubernetesRequest<Body = unknown>(
  { server, caCertificatePem, token, client }: KubernetesEndpoint,
  { method = "GET", path, body, signal }: KubernetesRequest,
): Promise<{ status: number; body: Body }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Body }>();
  const outgoing = request(new URL(path, server), {
    method,
    ca: caCertificatePem,
    headers: {
      accept: "application/json",
      "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(client && { cert: client.certificatePem, key: client.privateKeyPem }),
    ...(signal && { signal }),
  });
  outgoing.on("error", reject).on("response", (response) => {
    const isJson = response.headers["content-type"]?.startsWith("application/json");
    text(response)
      .then((body) => resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(body) : body }))
      .catch(reject);
  });
  outgoing.end(body && JSON.stringify(body));
  return promise;
}
