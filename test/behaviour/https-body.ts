// A control plane served on a port, as a body for the behaviour suite.
import { Agent, request } from "node:https";
import type { Body } from "@machine-controller/control-plane/behaviour";

export interface HttpsBodyOptions {
  /** https://host:port */
  server: string;
  caCertificatePem: string;
  adminToken: string;
}

/** Keeps connections open between requests; `close` ends them. */
export function httpsBody({ server, caCertificatePem, adminToken }: HttpsBodyOptions): Body & { close(): void } {
  const agent = new Agent({ keepAlive: true, ca: caCertificatePem });
  return {
    adminToken,
    send: ({ method, path, headers, body, client, signal }) =>
      new Promise((resolve, reject) => {
        const outgoing = request(`${server}${path}`, {
          method,
          // Node leaves the length of a DELETE's body out.
          headers: { ...toNodeHeaders(headers), ...(body && { "content-length": Buffer.byteLength(body) }) },
          signal,
          ca: caCertificatePem,
          agent: client === undefined ? agent : false,
          ...(client && { cert: client.certificatePem, key: client.privateKeyPem }),
        });
        outgoing.on("error", reject).on("response", (response) => {
          response.setEncoding("utf8");
          const answered = new Headers();
          for (const [name, values] of Object.entries(response.headersDistinct)) {
            for (const value of values ?? []) answered.append(name, value);
          }
          resolve({ status: response.statusCode ?? 0, headers: answered, text: response });
        });
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** One of several groups must not be mistaken for a group with a comma in its name. */
function toNodeHeaders(headers: Headers): Record<string, string | string[]> {
  const entries = [...headers].map(([name, value]) => [name, name === "impersonate-group" ? value.split(", ") : value]);
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}
