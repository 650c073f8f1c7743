import type { Authenticator } from "./authenticate.ts";
import type { Authorizer } from "./authorize.ts";
import type { Rbac } from "./rbac.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Everything that decides who someone is and what they may do. */
export type Guards = {
  authenticator: Authenticator;
  authorizer: Authorizer;
  rbac: Rbac;
  tokens: ServiceAccountTokens;
};
