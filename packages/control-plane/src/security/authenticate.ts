/** Who a request comes from: bearer token or client certificate, else anonymous. */
import { StatusError } from "../status-error.ts";
import { isSameSecret } from "./same-secret.ts";
import { ANONYMOUS, AUTHENTICATED, MASTERS } from "./user.ts";
import type { User } from "./user.ts";

export type Connection = { peerCertificatePem?: string; remoteAddress?: string };

/** One way to tell who a token belongs to; `undefined`: not one of its tokens. */
export type TokenSource = (token: string) => Promise<User | undefined> | User | undefined;

export type Authenticator = {
  /** Throws Unauthorized for credentials that are present but not good. */
  authenticate(headers: Headers, connection: Connection): Promise<User>;
  /** The user a token stands for, for TokenReview. */
  authenticateToken(token: string): Promise<User | undefined>;
};

export type AuthenticatorOptions = {
  tokens: readonly TokenSource[];
  certificateUser(pem: string): User | undefined;
};

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const authenticateToken = async (token: string): Promise<User | undefined> => {
    for (const source of options.tokens) {
      const user = await source(token);
      if (user !== undefined) return user;
    }
    return undefined;
  };
  return {
    authenticateToken,
    async authenticate(headers, connection) {
      const authorization = headers.get("authorization");
      if (authorization !== null) {
        const token = /^Bearer\s+(\S+)$/i.exec(authorization.trim())?.[1];
        const user = token === undefined ? undefined : await authenticateToken(token);
        if (user === undefined) throw new StatusError("Unauthorized", "Unauthorized");
        return user;
      }
      if (connection.peerCertificatePem === undefined) return ANONYMOUS;
      const user = options.certificateUser(connection.peerCertificatePem);
      if (user === undefined) throw new StatusError("Unauthorized", "Unauthorized");
      return user;
    },
  };
}

export function staticToken(token: string): TokenSource {
  const admin: User = { name: "admin", groups: [MASTERS, AUTHENTICATED] };
  return (candidate) => (isSameSecret(candidate, token) ? admin : undefined);
}
