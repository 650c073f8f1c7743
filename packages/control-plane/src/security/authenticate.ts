/** Who a request comes from: bearer token or client certificate, else anonymous. */
import { StatusError } from "../status-error.ts";
import { isSameSecret } from "./same-secret.ts";
import { ANONYMOUS, AUTHENTICATED, MASTERS } from "./user.ts";
import type { User } from "./user.ts";

export type Connection = { peerCertificatePem?: string; remoteAddress?: string };

/** One way to tell who a token belongs to, for one of the audiences; `undefined`: not one of its tokens. */
export type TokenSource = (
  token: string,
  audiences: readonly string[],
) => Promise<Bearer | undefined> | Bearer | undefined;

/** `audiences`: those of the asked ones that the token is for. */
export type Bearer = { user: User; audiences: readonly string[] };

/** What tokens for this server are issued to, and its own tokens' issuer. */
export const API_AUDIENCE = "https://kubernetes.default.svc.cluster.local";

export type Authenticator = {
  /** Throws Unauthorized for credentials that are present but not good. */
  authenticate(headers: Headers, connection: Connection): Promise<User>;
  /** Whom a token stands for, for TokenReview. */
  authenticateToken(token: string, audiences?: readonly string[]): Promise<Bearer | undefined>;
};

export type AuthenticatorOptions = {
  tokens: readonly TokenSource[];
  certificateUser(pem: string): User | undefined;
};

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const authenticateToken: Authenticator["authenticateToken"] = async (token, audiences = [API_AUDIENCE]) => {
    for (const source of options.tokens) {
      const bearer = await source(token, audiences);
      if (bearer !== undefined) return bearer;
    }
    return undefined;
  };
  return {
    authenticateToken,
    async authenticate(headers, connection) {
      const authorization = headers.get("authorization");
      if (authorization !== null) {
        const token = /^Bearer\s+(\S+)$/i.exec(authorization.trim())?.[1];
        const bearer = token === undefined ? undefined : await authenticateToken(token);
        if (bearer === undefined) throw new StatusError("Unauthorized", "Unauthorized");
        return bearer.user;
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
  return forApiOnly((candidate) => (isSameSecret(candidate, token) ? admin : undefined));
}

/** For tokens that name no audience: they are for this server. */
export function forApiOnly(find: (token: string) => Promise<User | undefined> | User | undefined): TokenSource {
  return async (token, audiences) => {
    if (!audiences.includes(API_AUDIENCE)) return undefined;
    const user = await find(token);
    return user === undefined ? undefined : { user, audiences: [API_AUDIENCE] };
  };
}
