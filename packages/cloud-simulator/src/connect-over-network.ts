/** Machines reach API servers over TLS; those without a certificate of their own share one pool per server and CA. */
import { Agent, fetch } from "undici";
import { ConnectionError, type ClusterAccess, type Connect, type Handler } from "./handler.ts";

/** OpenSSL's and Node's words for a server certificate that the given CA does not vouch for. */
const UNTRUSTED = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
/** Longer than the interval of Lease renewals, so that one handshake serves them all. */
const KEEP_ALIVE_MS = 30_000;

export function connectOverNetwork(): Connect {
  const shared = new Map<string, Handler>();
  return (cluster) => {
    if (cluster.clientCertificatePem !== undefined) return dial(cluster);
    const key = `${cluster.server} ${cluster.caCertificatePem ?? ""}`;
    const existing = shared.get(key);
    if (existing !== undefined) return existing;
    const opened = dial(cluster);
    shared.set(key, opened);
    return opened;
  };
}

function dial(cluster: ClusterAccess): Handler {
  const dispatcher = new Agent({
    connections: cluster.clientCertificatePem === undefined ? 16 : 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: {
      ...(cluster.caCertificatePem !== undefined && { ca: cluster.caCertificatePem }),
      ...(cluster.clientCertificatePem !== undefined && { cert: cluster.clientCertificatePem }),
      ...(cluster.clientKeyPem !== undefined && { key: cluster.clientKeyPem }),
    },
  });
  return async (request) => {
    const body = request.body === null ? null : await request.text();
    try {
      const response = await fetch(request.url, {
        method: request.method,
        headers: [...request.headers],
        body,
        signal: request.signal,
        dispatcher,
      });
      // Read whole, so that a server that goes away later is no error of nobody's.
      const content = await response.arrayBuffer();
      return new Response(content.byteLength === 0 ? null : content, {
        status: response.status,
        headers: [...response.headers],
      });
    } catch (error) {
      if (request.signal.aborted) throw error;
      const code = codeOf(error);
      const kind = code !== undefined && UNTRUSTED.has(code) ? "UntrustedCertificate" : "Unreachable";
      throw new ConnectionError(kind, `${cluster.server}: ${code ?? "connection failed"}`, { cause: error });
    }
  };
}

function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string") return code;
  }
  return undefined;
}
