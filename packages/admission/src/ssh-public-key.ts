/** Public keys in the form of OpenSSH's authorized_keys: `[options] type base64 [comment]`. */

/** Type → number of length-prefixed parts after the type in the key's binary form (RFC 4253 and later). */
const PARTS: Readonly<Record<string, number>> = {
  "ssh-rsa": 2,
  "ssh-dss": 4,
  "ssh-ed25519": 1,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "sk-ssh-ed25519@openssh.com": 2,
  "sk-ecdsa-sha2-nistp256@openssh.com": 3,
};

/** What is wrong with an authorized_keys line; undefined when nothing is. Never repeats the line: it may be a private key. */
export function sshPublicKeyProblem(line: string): string | undefined {
  if (line.includes("PRIVATE KEY")) return "is a private key; give the public one, the content of the .pub file";
  const words = line.trim().split(/\s+/);
  const at = words.findIndex((word) => word in PARTS || /-cert-v\d+@openssh\.com$/.test(word));
  const type = words[at];
  const encoded = words[at + 1];
  if (line.startsWith("#") || type === undefined || encoded === undefined) return NOT_A_KEY;
  const parts = partsOf(Buffer.from(encoded, "base64"));
  // A certificate's parts are many and differ; that they add up is enough.
  const complete = parts !== undefined && (PARTS[type] === undefined || parts.length === PARTS[type] + 1);
  return complete && parts[0]?.toString() === type
    ? undefined
    : "is cut off or damaged; copy the whole .pub file again";
}

const NOT_A_KEY = 'is not a public key; give the content of a .pub file, such as "ssh-ed25519 AAAA… name"';

/** undefined where the lengths do not add up. */
function partsOf(key: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= key.length) {
    const end = at + 4 + key.readUInt32BE(at);
    if (end > key.length) return undefined;
    parts.push(key.subarray(at + 4, end));
    at = end;
  }
  return at === key.length ? parts : undefined;
}
