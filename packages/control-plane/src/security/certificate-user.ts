/** Client certificates: the common name is the user, the organizations are the groups. */
import { X509Certificate } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { AUTHENTICATED } from "./user.ts";
import type { User } from "./user.ts";

type Known = { user: User; notBefore: number; notAfter: number };

/** Clients keep their certificates for long; checking a signature for every request would cost more than the request. */
const MAX_KNOWN = 4096;

/** Tells the user of a certificate; `undefined` for one that is not ours, not in force, or no certificate at all. */
export function createCertificateUsers(authority: CertificateAuthority, clock: Clock) {
  const known = new Map<string, Known>();
  return (pem: string): User | undefined => {
    const entry = known.get(pem) ?? readCertificate(pem, authority);
    if (entry === undefined) return undefined;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(pem, entry);
    const now = clock.now();
    return entry.notBefore <= now && now < entry.notAfter ? entry.user : undefined;
  };
}

function readCertificate(pem: string, authority: CertificateAuthority): Known | undefined {
  try {
    const certificate = new X509Certificate(pem);
    if (!authority.hasSigned(certificate)) return undefined;
    const subject = parseSubject(certificate.subject);
    const name = subject.get("CN")?.[0];
    if (name === undefined) return undefined;
    return {
      user: { name, groups: [...(subject.get("O") ?? []), AUTHENTICATED] },
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    };
  } catch {
    return undefined;
  }
}

/** Node prints one `KEY=value` a line, with special characters behind a backslash. */
function parseSubject(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    const key = line.slice(0, at);
    const value = line.slice(at + 1).replace(/\\(.)/g, "$1");
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  return fields;
}
