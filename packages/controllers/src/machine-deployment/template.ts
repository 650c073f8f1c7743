/** Compares and names Machine templates by meaning. */
import { createHash } from "node:crypto";
import type { MachineTemplate } from "@machine-controller/api";
import { LABEL_TEMPLATE_HASH } from "@machine-controller/api/well-known";

/**
 * The template as text that is equal for templates that mean the same: key order, nulls and empty objects or lists make
 * no difference (Go's encoder writes them, kubectl does not), nor does the hash label.
 */
export function canonicalTemplate(template: MachineTemplate): string {
  const { [LABEL_TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  return JSON.stringify(canonical({ ...template, metadata: { ...template.metadata, labels } }) ?? {});
}

export const templateHash = (template: MachineTemplate): string =>
  String(createHash("sha256").update(canonicalTemplate(template)).digest().readUInt32BE());

function canonical(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => canonical(item) ?? null);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, canonical(item)] as const)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
