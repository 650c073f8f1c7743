/**
 * Values that one object gives another which has values of its own: what was given is remembered, so that it can be
 * changed and taken back, and what others put there is never touched.
 */
import { createHash } from "node:crypto";

export type Values = Readonly<Record<string, string>>;
/** `null` removes a key. */
export type Changes = Readonly<Record<string, string | null>>;
export type Comparison = {
  changes: Changes;
  /** What there is to remember once the changes are made. */
  synced: Values;
};

/**
 * A value that was there before `wanted` named it is somebody else's and stays, as does one that somebody changed since;
 * only a change of `wanted` overrules that.
 */
export function syncValues(has: Values = {}, wanted: Values, before: Values = {}): Comparison {
  const changes: Record<string, string | null> = {};
  const synced: Record<string, string> = {};
  for (const [key, value] of Object.entries(wanted)) {
    const isForeign = has[key] !== undefined && has[key] !== value && before[key] === undefined;
    if (isForeign) continue;
    synced[key] = markOf(value);
    if (has[key] === undefined || (has[key] !== value && before[key] !== synced[key])) changes[key] = value;
  }
  for (const [key, mark] of Object.entries(before)) {
    if (!(key in wanted) && has[key] !== undefined && markOf(has[key]) === mark) changes[key] = null;
  }
  return { changes, synced };
}

/** Labels and taints stand as they are; annotations can be large, and there a digest tells a change as well. */
const markOf = (value: string): string =>
  value.length <= 63 ? value : `sha256:${createHash("sha256").update(value).digest("hex").slice(0, 16)}`;

/** By kind; what cannot be read names nothing as ours, so that nothing is removed. */
export function parseSynced(text = "{}"): Readonly<Record<string, Values>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, Values>) : {};
  } catch {
    return {};
  }
}

/** null: nothing is synced. Keys are sorted, so that the same values are the same text. */
export function syncedText(synced: Readonly<Record<string, Values>>): string | null {
  const filled = Object.entries(synced).filter(([, values]) => Object.keys(values).length > 0);
  const sorted = filled.map(([kind, values]) => [
    kind,
    Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  ]);
  return sorted.length === 0 ? null : JSON.stringify(Object.fromEntries(sorted));
}
