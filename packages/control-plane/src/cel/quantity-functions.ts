/** Kubernetes' quantity library for CEL: `quantity("1.5Gi").isGreaterThan(quantity("200Mi"))`. */
import type { Environment } from "@marcbachmann/cel-js";
import { NANOS, parseQuantity } from "../quantity.ts";
import { QUANTITY_RULE } from "../schema/go-decoding.ts";

/** Billionths, exactly: the finest a quantity can express. */
class Quantity {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export function registerQuantityFunctions(environment: Environment): void {
  const define = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler);
  };
  const type = "kubernetes.Quantity";
  environment.registerType(type, Quantity);
  environment.registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.nanos === b.nanos);
  define("isQuantity(string): bool", (text: string) => parseQuantity(text) !== undefined);
  define(`quantity(string): ${type}`, (text: string) => {
    const nanos = parseQuantity(text)?.nanos;
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
