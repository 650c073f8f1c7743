/** A remote party as a function, and the two ways a connection to it can fail. */

export type Handler = (request: Request) => Promise<Response>;

/** How a machine finds an API server, and as whom it speaks on the TLS layer. A bearer token is a header of the request. */
export type ClusterAccess = {
  /** `https://host:port` */
  server: string;
  /** The only authorities trusted for `server`; without it, the system's. */
  caCertificatePem?: string;
  clientCertificatePem?: string;
  clientKeyPem?: string;
};

/**
 * Opens the way to an API server. A handler throws `ConnectionError` when no answer came. An in-process one throws
 * `UntrustedCertificate` itself when `caCertificatePem` is not the authority of the server it stands for.
 */
export type Connect = (cluster: ClusterAccess) => Handler;

/** `UntrustedCertificate`: the server is not whom the CA vouches for. `Unreachable`: no connection. `Lost`: it broke. */
export type ConnectionErrorCode = "UntrustedCertificate" | "Unreachable" | "Lost";

export class ConnectionError extends Error {
  readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ConnectionError";
    this.code = code;
  }
}
