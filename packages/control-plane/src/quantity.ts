/** Quantities such as `1.5Gi` and `500m`: what they amount to, and the one form that Go writes them in. */

/** To one unit. A billionth is the finest that a quantity can express. */
export const NANOS = 1_000_000_000n;
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const QUANTITY = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

export type Quantity = { nanos: bigint; form: "decimal" | "binary" | "exponent" };

/** Rounds up what is finer than a billionth; `undefined` for text that is no quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, minus, whole = "", fraction = "", suffix = "", exponent] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`${whole}${fraction}`);
  const binary = suffix.endsWith("i") ? BINARY.indexOf(suffix) : 0;
  const power = exponent === undefined ? (binary > 0 ? 0 : (DECIMAL.indexOf(suffix) - 3) * 3) : Number(exponent);
  const scale = 9 + power - fraction.length;
  const scaled = digits * 1024n ** BigInt(binary) * 10n ** BigInt(Math.max(0, scale));
  const divisor = 10n ** BigInt(Math.max(0, -scale));
  const nanos = (scaled + divisor - 1n) / divisor;
  const form = exponent === undefined ? (binary > 0 ? "binary" : "decimal") : "exponent";
  return { nanos: minus === "-" ? -nanos : nanos, form };
}

/** With the largest suffix that leaves a whole number: `1024Mi` is `1Gi`, `0.5` is `500m`. */
export function canonicalQuantity(text: string): string {
  const { nanos, form } = parseQuantity(text) ?? {};
  if (nanos === undefined) return text;
  if (nanos === 0n) return "0";
  const magnitude = nanos < 0n ? -nanos : nanos;
  const sign = nanos < 0n ? "-" : "";
  if (form === "binary" && magnitude >= 1024n * NANOS) {
    const [whole, power] = reduce((magnitude + NANOS - 1n) / NANOS, 1024n, BINARY.length - 1);
    return `${sign}${whole}${BINARY[power] ?? ""}`;
  }
  const [whole, power] = reduce(magnitude, 1000n, DECIMAL.length - 1);
  if (form !== "exponent") return `${sign}${whole}${DECIMAL[power] ?? ""}`;
  return `${sign}${whole}${power === 3 ? "" : `e${(power - 3) * 3}`}`;
}

/** How often the base goes into the value without a rest, at most `limit` times, and what is left. */
function reduce(value: bigint, base: bigint, limit: number): [whole: bigint, power: number] {
  let [whole, power] = [value, 0];
  while (power < limit && whole % base === 0n) [whole, power] = [whole / base, power + 1];
  return [whole, power];
}
