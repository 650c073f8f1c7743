/** Webhooks over HTTPS, held to the CA bundle of their configuration. */
import { isIP } from "node:net";
import type { Agent } from "undici";
import type { CallWebhook, WebhookCall } from "./call.ts";

const MAX_ANSWER_BYTES = 3 * 1024 * 1024;
const MAX_AGENTS = 64;

/** `closing` ends all connections. */
export function createHttpsTransport({ closing }: { closing: AbortSignal }): CallWebhook {
  const agents = new Map<string, Agent>();
  closing.addEventListener("abort", () => void dropAll(agents), { once: true });

  return async (call) => {
    const { Agent, request } = await import("undici");
    const url = new URL(call.url);
    const serverName = url.hostname.replace(/^\[|\]$/g, "");
    const key = JSON.stringify([serverName, call.caBundle]);
    let agent = agents.get(key);
    if (agent === undefined) {
      if (agents.size >= MAX_AGENTS) await dropAll(agents);
      agent = new Agent({
        maxResponseSize: MAX_ANSWER_BYTES,
        connect: {
          ...(call.caBundle === undefined ? {} : { ca: call.caBundle }),
          ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        },
      });
      agents.set(key, agent);
    }
    try {
      const response = await request(targetOf(url, call.address), {
        dispatcher: agent,
        method: "POST",
        headers: {
          host: url.host,
          "content-type": "application/json",
          accept: "application/json, */*",
          "user-agent": "kube-apiserver-admission",
        },
        body: call.body,
        signal: call.signal,
      });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (error) {
      throw new Error(describe(error, call), { cause: error });
    }
  };
}

async function dropAll(agents: Map<string, Agent>): Promise<void> {
  const dropped = [...agents.values()];
  agents.clear();
  await Promise.all(dropped.map((agent) => agent.destroy()));
}

function targetOf(url: URL, address: WebhookCall["address"]): string {
  if (address === undefined) return url.href;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `https://${host}:${address.port}${url.pathname}${url.search}`;
}

/** The commonest failures in the words that operators of clusters search for. */
function describe(error: unknown, call: WebhookCall): string {
  const { hostname, port } = new URL(targetOf(new URL(call.url), call.address));
  const address = `${hostname}:${port === "" ? "443" : port}`;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${hostname}: no such host`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${new URL(call.url).hostname}`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
