/**
 * Hetzner mails a root password for every server made without a key. So one key a project is kept whose private half
 * nobody has: it opens nothing, and there is no key pair to make for each server.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { ProviderError, type Random } from "@machine-controller/provider";
import type { Cloud, Labelled } from "./cloud.ts";
import { isRefusal } from "./errors.ts";
import { LABEL_MANAGED, MANAGED_BY } from "./managed.ts";

export async function ensureSshKey(
  cloud: Cloud,
  { random, signal }: { random: Random; signal: AbortSignal },
): Promise<Labelled> {
  const find = async (): Promise<Labelled | undefined> => {
    const [labelled] = await cloud.list("ssh_keys", { label_selector: `${LABEL_MANAGED}=${MANAGED_BY}` }, { signal });
    return labelled ?? (await cloud.find("ssh_keys", MANAGED_BY, { signal }));
  };
  const found = await find();
  if (found !== undefined) return found;
  try {
    const labels = { [LABEL_MANAGED]: MANAGED_BY };
    return await cloud.create("ssh_keys", { name: MANAGED_BY, public_key: newPublicKey(random), labels }, { signal });
  } catch (cause) {
    if (!isRefusal(cause, "uniqueness_error")) throw cause;
    const winner = await find();
    if (winner !== undefined) return winner;
    throw new ProviderError("Unavailable", `SSH key "${MANAGED_BY}" exists and cannot be read`, { cause });
  }
}

/** PKCS #8 of an Ed25519 private key (RFC 8410, section 7), up to its 32 bytes. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const ALGORITHM = "ssh-ed25519";

/** A fresh public key as an authorized_keys line (RFC 8709, section 4); its private half is not kept. */
export function newPublicKey(random: Random): string {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, random.bytes(32)]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  const wire = Buffer.concat([sshString(Buffer.from(ALGORITHM)), sshString(Buffer.from(x ?? "", "base64url"))]);
  return `${ALGORITHM} ${wire.toString("base64")} ${MANAGED_BY}`;
}

/** Length as 32 bits, then the bytes (RFC 4251, section 5). */
function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
