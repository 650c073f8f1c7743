/** JSON calls to an API server, for simulated kubelets. */
import type { Handler } from "./handler.ts";

export type KubeObject = Record<string, unknown> & {
  metadata: { name: string; resourceVersion?: string; [key: string]: unknown };
};

export type KubeCall = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  signal: AbortSignal;
};

/** The API server answered with an error. */
export class KubeStatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "KubeStatusError";
    this.status = status;
  }
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof KubeStatusError && error.status === status;
}

export type KubeApi = (call: KubeCall) => Promise<KubeObject>;

/** Rejects with `KubeStatusError`, or with the `ConnectionError` of the handler. */
export function createKubeApi(server: string, handler: Handler, token?: string): KubeApi {
  return async ({ method, path, body, signal }) => {
    const type = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
    const response = await handler(
      new Request(server + path, {
        method,
        headers: {
          accept: "application/json",
          "user-agent": "kubelet",
          ...(body !== undefined && { "content-type": type }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal,
      }),
    );
    // An answer that comes after power was cut has no one to act on it.
    signal.throwIfAborted();
    const answer = (await response.json().catch(() => ({}))) as KubeObject;
    if (response.ok) return answer;
    const message = typeof answer["message"] === "string" ? answer["message"] : `HTTP ${response.status}`;
    throw new KubeStatusError(response.status, message);
  };
}
