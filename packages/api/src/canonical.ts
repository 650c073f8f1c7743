/** Compares objects by meaning: key order, nulls and empty objects or lists make no difference (Go's encoder writes them, kubectl does not). */
import type { MachineTemplate } from "./machine-set.ts";
import { LABEL_TEMPLATE_HASH } from "./well-known.ts";

/** The value with sorted keys and without nulls, empty objects and empty lists; undefined where nothing is left. */
export function canonicalValue(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => canonicalValue(item) ?? null);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, canonicalValue(item)] as const)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Text that is equal for values that mean the same. */
export const canonicalText = (value: unknown): string => JSON.stringify(canonicalValue(value) ?? {});

/**
 * Text that is equal for templates that mean the same. The hash label makes no difference, nor does an empty text in the
 * providerSpec, which Go's encoder writes where nothing is set.
 */
export function canonicalTemplate(template: MachineTemplate): string {
  const { [LABEL_TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  const { providerSpec, ...spec } = template.spec ?? {};
  return canonicalText({
    ...template,
    metadata: { ...template.metadata, labels },
    spec: { ...spec, providerSpec: withoutEmptyTexts(providerSpec) },
  });
}

/**
 * The template without what can change on a Machine that lives: labels and annotations of Machine and Node, taints. Two
 * templates of which this part means the same make the same instances.
 */
export function replacedPart({ metadata, spec, ...rest }: MachineTemplate): MachineTemplate {
  const { labels: _l, annotations: _a, ...machine } = metadata ?? {};
  const { labels: _nl, annotations: _na, ...node } = spec.metadata ?? {};
  const { taints: _t, ...instance } = spec;
  return { ...rest, metadata: machine, spec: { ...instance, metadata: node } };
}

function withoutEmptyTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyTexts);
  if (typeof value !== "object" || value === null) return value === "" ? undefined : value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutEmptyTexts(item)]));
}
