/**
 * The member of an object of unknown shape, its name in any case as Go's decoder takes it; null counts as absent.
 * For reading what no schema has passed: deletion must work with a spec that is broken elsewhere.
 */
export function memberOf(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  const exact = (object as Record<string, unknown>)[name];
  const found = exact ?? Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  return found ?? undefined;
}
