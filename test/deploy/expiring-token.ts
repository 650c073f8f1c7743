/** A Machine that is held back and has a bootstrap token that is about to expire: it is let go, and joins by it. */
import type { Machine } from "@machine-controller/api";
import { ANNOTATION_INITIALIZERS } from "@machine-controller/api/well-known";
import { bootstrapTokenSecret, TOKEN_SECRET_BYTES, tokenIdFor, tokenSecretFrom } from "@machine-controller/bootstrap";
import { machines } from "@machine-controller/controllers";
import { coreResources } from "@machine-controller/kube-client";
import type { Site } from "../e2e/provisioning/site.ts";

/** Holds a Machine back. */
export const PAUSED = { [ANNOTATION_INITIALIZERS]: "test" };
/** Lets it go. */
export const UNPAUSED = { metadata: { annotations: { [ANNOTATION_INITIALIZERS]: null } } };

/** Resolves with the token as it was. */
export async function joinByExpiringToken(
  site: Site,
  machine: Machine,
): Promise<ReturnType<typeof bootstrapTokenSecret>> {
  const { client, signal } = site;
  const { name = "", namespace = "", uid = "" } = machine.metadata;
  const token = bootstrapTokenSecret({
    machine,
    tokenId: tokenIdFor(uid, 0),
    tokenSecret: tokenSecretFrom(new Uint8Array(TOKEN_SECRET_BYTES)),
    expiresAtMs: Date.now() + 600_000,
  });
  await site.create(coreResources.secrets, token);
  await client.patch(machines, { name, namespace }, { type: "merge", body: UNPAUSED }, { signal });
  await site.until("it joins", async () => {
    const { status } = await client.get(machines, { name, namespace }, { signal });
    return status?.phase === "Running" ? { done: undefined } : { pending: JSON.stringify(status) };
  });
  return token;
}
