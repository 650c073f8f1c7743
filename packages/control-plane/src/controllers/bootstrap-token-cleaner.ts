/** Removes bootstrap tokens once they have expired. */
import { objectAt } from "../object.ts";
import type { KubeObject } from "../object.ts";
import { BOOTSTRAP_TOKEN_TYPE, isExpired } from "../security/bootstrap-tokens.ts";
import type { Server } from "../server.ts";
import { builtIn, read, removeStored } from "../system-request.ts";
import type { Controller } from "./controller.ts";

const NAMESPACE = "kube-system";

export function createBootstrapTokenCleaner(server: Server): Controller {
  const secrets = builtIn(server, "v1", "secrets");
  return {
    name: "bootstrap-token-cleaner",
    start: () => server.storage.list({ resource: secrets.storage, namespace: NAMESPACE }).map(({ name }) => name),
    *keysOf(change) {
      if (change.resource === secrets.storage && change.namespace === NAMESPACE && change.type !== "DELETED")
        yield change.name;
    },
    async reconcile(name) {
      const target = { resource: secrets, namespace: NAMESPACE, name };
      const secret = read(server, target);
      if (secret === undefined || secret["type"] !== BOOTSTRAP_TOKEN_TYPE) return;
      const now = server.clock.now();
      if (isExpired(secret, now)) {
        await removeStored(server, target, { preconditions: { uid: secret.metadata.uid } });
        return;
      }
      const expiration = expirationOf(secret);
      return expiration === undefined ? undefined : Math.max(0, expiration - now);
    },
  };
}

function expirationOf(secret: KubeObject): number | undefined {
  const value = objectAt(secret, "data")["expiration"];
  return typeof value === "string" ? Date.parse(Buffer.from(value, "base64").toString("utf8")) : undefined;
}
