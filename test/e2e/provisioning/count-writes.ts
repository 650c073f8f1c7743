// Reads kube-apiserver's audit log.
import { readFileSync } from "node:fs";

type Entry = {
  verb: string;
  userAgent: string;
  objectRef?: { resource: string; subresource?: string };
  responseStatus?: { code: number };
};

const WRITES = new Set(["create", "update", "patch", "delete"]);

/** What a user agent has written so far: verb, resource and status → how often. Keeping the leader's Lease is left out. */
export function countWrites(auditLog: string, userAgent: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(auditLog, "utf8").trimEnd().split("\n")) {
    const { verb, objectRef, responseStatus, ...entry } = JSON.parse(line) as Entry;
    if (entry.userAgent !== userAgent || !WRITES.has(verb) || !objectRef || objectRef.resource === "leases") continue;
    const { resource, subresource } = objectRef;
    const what = `${verb} ${resource}${subresource ? `/${subresource}` : ""} → ${responseStatus?.code}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
