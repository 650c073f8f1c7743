/**
 * Resolves `5`, `"25%"` or `"25"` against a total. A string is a percentage with or without its sign, as the Go
 * implementation reads it.
 * @throws RangeError when the value is neither.
 */
export function resolveIntOrPercent(value: number | string, total: number, rounding: "up" | "down"): number {
  if (typeof value === "number") return value;
  const percent = /^(\d+)%*$/.exec(value.trim())?.[1];
  if (percent === undefined) throw new RangeError(`"${value}" must be a number (5) or a percentage ("5%")`);
  const exact = (Number(percent) * total) / 100;
  return rounding === "up" ? Math.ceil(exact) : Math.floor(exact);
}
