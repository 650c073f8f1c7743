/** What a rule says of a field that breaks it. */
import type { StatusCause } from "../status-error.ts";

export function invalidValue(field: string, value: unknown, why: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

export function requiredValue(field: string, why = ""): StatusCause {
  return { reason: "FieldValueRequired", message: `Required value${why && `: ${why}`}`, field };
}

/** `shown`: the value as JSON, in the server's own form of it. */
export function duplicateValue(field: string, shown: string, why = ""): StatusCause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${shown}${why && `: ${why}`}`, field };
}

export function unsupportedValue(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const values = supported.map((each) => JSON.stringify(each)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { reason: "FieldValueNotSupported", message, field };
}

/** A port that is not said counts as missing, unless zero is as wrong as any. */
export function portProblems(port: unknown, field: string, options: { isZeroWrong?: boolean } = {}): StatusCause[] {
  const value = port ?? 0;
  if (value === 0 && options.isZeroWrong !== true) return [requiredValue(field)];
  const isPort = typeof value === "number" && value >= 1 && value <= 65_535;
  return isPort ? [] : [invalidValue(field, value, "must be between 1 and 65535, inclusive")];
}
