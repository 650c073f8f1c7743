/** Kubernetes' list library for CEL, and the set library. */
import type { Environment } from "@marcbachmann/cel-js";
import { isEqual } from "../object.ts";

type Ordered = bigint | number | string | boolean;

/** The receiver of `sets.contains(…)` and its like: the CEL library tells types by their constructors. */
class Sets {
  readonly name = "sets";
}

export function registerListFunctions(environment: Environment): void {
  const define = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler);
  };
  define("list.isSorted(): bool", (list: Ordered[]) =>
    list.every((item, index) => index === 0 || (list[index - 1] ?? item) <= item),
  );
  define("list.sum(): dyn", sum);
  define("list.min(): dyn", (list: Ordered[]) => extreme(list, (a, b) => a < b, "min"));
  define("list.max(): dyn", (list: Ordered[]) => extreme(list, (a, b) => a > b, "max"));
  define("list.indexOf(dyn): int", (list: unknown[], item: unknown) =>
    BigInt(list.findIndex((candidate) => isEqual(candidate, item))),
  );
  define("list.lastIndexOf(dyn): int", (list: unknown[], item: unknown) =>
    BigInt(list.findLastIndex((candidate) => isEqual(candidate, item))),
  );
  environment.registerType("CelSets", Sets);
  environment.registerConstant("sets", "CelSets", new Sets());
  define("CelSets.contains(list, list): bool", (_sets: Sets, list: unknown[], wanted: unknown[]) =>
    contains(list, wanted),
  );
  define(
    "CelSets.equivalent(list, list): bool",
    (_sets: Sets, left: unknown[], right: unknown[]) => contains(left, right) && contains(right, left),
  );
  define("CelSets.intersects(list, list): bool", (_sets: Sets, left: unknown[], right: unknown[]) =>
    left.some((item) => contains(right, [item])),
  );
}

function contains(list: readonly unknown[], wanted: readonly unknown[]): boolean {
  return wanted.every((item) => list.some((candidate) => isEqual(candidate, item)));
}

function sum(list: (bigint | number)[]): bigint | number {
  return list.some((item) => typeof item === "number")
    ? list.reduce((total: number, item) => total + Number(item), 0)
    : list.reduce((total: bigint, item) => total + BigInt(item), 0n);
}

function extreme(list: Ordered[], isBetter: (a: Ordered, b: Ordered) => boolean, name: string): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error(`${name} called on empty list`);
  return rest.reduce((best, item) => (isBetter(item, best) ? item : best), first);
}
