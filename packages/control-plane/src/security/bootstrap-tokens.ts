/** Bootstrap tokens: Secrets `bootstrap-token-<id>` in kube-system, as kubeadm makes them. */
import type { Clock } from "../clock.ts";
import { objectAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import type { Storage } from "../storage/storage.ts";
import { forApiOnly } from "./authenticate.ts";
import type { TokenSource } from "./authenticate.ts";
import { isSameSecret } from "./same-secret.ts";
import { AUTHENTICATED } from "./user.ts";

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export const BOOTSTRAP_TOKEN_TYPE = "bootstrap.kubernetes.io/token";

export function bootstrapTokens(options: { storage: Storage; clock: Clock }): TokenSource {
  return forApiOnly((token) => {
    const [, id, secret] = TOKEN.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const stored = options.storage.get({
      resource: "secrets",
      namespace: "kube-system",
      name: `bootstrap-token-${id}`,
    });
    if (stored === undefined) return undefined;
    const object = JSON.parse(stored.json) as KubeObject;
    const field = (name: string): string => secretField(object, name);
    const isGood =
      object["type"] === BOOTSTRAP_TOKEN_TYPE &&
      object.metadata.deletionTimestamp === undefined &&
      field("token-id") === id &&
      isSameSecret(field("token-secret"), secret) &&
      field("usage-bootstrap-authentication") === "true" &&
      !isExpired(object, options.clock.now());
    if (!isGood) return undefined;
    const extra = field("auth-extra-groups")
      .split(",")
      .filter((group) => GROUP.test(group));
    return { name: `system:bootstrap:${id}`, groups: ["system:bootstrappers", ...extra, AUTHENTICATED] };
  });
}

/** An unreadable expiry counts as expired; none means never. */
export function isExpired(secret: KubeObject, now: number): boolean {
  const expiration = secretField(secret, "expiration");
  return expiration !== "" && !(Date.parse(expiration) > now);
}

function secretField(secret: KubeObject, name: string): string {
  const value = objectAt(secret, "data")[name];
  return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : "";
}
