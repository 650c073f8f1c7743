/** Kubernetes' quantity library for CEL: `quantity("1.5Gi").isGreaterThan(quantity("200Mi"))`. */
import type { Environment } from "@marcbachmann/cel-js";
import { QUANTITY_RULE } from "../schema/go-decoding.ts";

/** Billionths, exactly: the finest a quantity can express. */
class Quantity {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

const NANOS = 1_000_000_000n;
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const QUANTITY = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

export function registerQuantityFunctions(environment: Environment): void {
  const define = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler);
  };
  const type = "kubernetes.Quantity";
  environment.registerType(type, Quantity);
  environment.registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.nanos === b.nanos);
  define("isQuantity(string): bool", (text: string) => parseQuantity(text) !== undefined);
  define(`quantity(string): ${type}`, (text: string) => {
    const nanos = parseQuantity(text);
    if (nanos === undefined) throw new Error(QUANTITY_RULE);
    return new Quantity(nanos);
  });
  define(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => a.nanos > b.nanos);
  define(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.nanos < b.nanos);
  define(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) => sign(a.nanos - b.nanos));
  define(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.nanos + b.nanos));
  define(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.nanos - b.nanos));
  define(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.nanos + b * NANOS));
  define(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.nanos - b * NANOS));
  define(`${type}.sign(): int`, (a: Quantity) => sign(a.nanos));
  define(`${type}.isInteger(): bool`, (a: Quantity) => a.nanos % NANOS === 0n);
  define(`${type}.asApproximateFloat(): double`, (a: Quantity) => Number(a.nanos) / Number(NANOS));
  define(`${type}.asInteger(): int`, (a: Quantity) => {
    if (a.nanos % NANOS !== 0n) throw new Error("cannot convert value to integer");
    return a.nanos / NANOS;
  });
}

function sign(value: bigint): bigint {
  return value === 0n ? 0n : value < 0n ? -1n : 1n;
}

/** Rounds up what is finer than a billionth; `undefined` for text that is no quantity. */
function parseQuantity(text: string): bigint | undefined {
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
  return minus === "-" ? -nanos : nanos;
}
