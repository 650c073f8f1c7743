/** `/ssh_keys`: unique by name and by fingerprint. */
import { createHash } from "node:crypto";
import { notUnique } from "./errors.ts";
import type { ResourceOptions } from "./resource.ts";
import { inProject, toTimestamp, type Cloud, type SshKeyRecord } from "./state.ts";

export function sshKeys(cloud: Cloud): ResourceOptions<SshKeyRecord> {
  return {
    kind: "sshKey",
    what: "SSH key",
    keys: ["ssh_key", "ssh_keys"],
    collection: cloud.sshKeys,
    view: ({ id, name, labels, created, fingerprint, publicKey }) => ({
      id,
      name,
      labels,
      created: toTimestamp(created),
      fingerprint,
      public_key: publicKey,
    }),
    filters: { fingerprint: ({ fingerprint }) => fingerprint },
    read(input, project) {
      const publicKey = input.requiredText("public_key").trim();
      const fingerprint = fingerprintOf(publicKey);
      if (publicKey !== "" && fingerprint === undefined) input.reject("public_key", "is not a valid SSH public key");
      return (base) => {
        for (const other of inProject(cloud.sshKeys, project)) {
          if (other.fingerprint === fingerprint) throw notUnique("SSH key", "fingerprint");
        }
        return { ...base, fingerprint: fingerprint ?? "", publicKey };
      };
    },
  };
}

/** MD5 in colon notation; undefined if the text is no key of a known type. */
function fingerprintOf(publicKey: string): string | undefined {
  const [type = "", body = ""] = publicKey.split(/\s+/);
  const bytes = Buffer.from(body, "base64");
  const named = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString() : "";
  if (!/^(ssh-|ecdsa-|sk-)/.test(type) || named !== type) return undefined;
  return createHash("md5")
    .update(bytes)
    .digest("hex")
    .replaceAll(/..(?=.)/g, "$&:");
}
