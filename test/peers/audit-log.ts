// Reads kube-apiserver's audit log.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

export type AuditEntry = {
  verb: string;
  userAgent: string;
  objectRef?: { resource: string; subresource?: string };
  responseStatus?: { code: number };
};

/** Where the log ends now, for a later `auditEntries`. */
export const auditPosition = (path: string): number => statSync(path).size;

/** The requests that ended since a position, by default all. */
export function auditEntries(path: string, from = 0): AuditEntry[] {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(fstatSync(file).size - from);
    readSync(file, bytes, 0, bytes.length, from);
    // The last line may still be being written.
    const lines = bytes.toString("utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AuditEntry);
  } finally {
    closeSync(file);
  }
}

/** `verb resource[/subresource]` */
export function describeEntry({ verb, objectRef }: AuditEntry): string {
  const { resource = "", subresource } = objectRef ?? {};
  return `${verb} ${resource}${subresource ? `/${subresource}` : ""}`;
}
