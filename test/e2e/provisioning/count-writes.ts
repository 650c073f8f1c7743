// What a user agent has written, from kube-apiserver's audit log.
import { auditEntries, describeEntry } from "../../peers/audit-log.ts";

const WRITES = new Set(["create", "update", "patch", "delete"]);

/** Verb, resource and status → how often. Keeping the leader's Lease is left out. */
export function countWrites(auditLog: string, userAgent: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of auditEntries(auditLog)) {
    if (entry.userAgent !== userAgent || !WRITES.has(entry.verb)) continue;
    if (!entry.objectRef || entry.objectRef.resource === "leases") continue;
    const what = `${describeEntry(entry)} → ${entry.responseStatus?.code}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
