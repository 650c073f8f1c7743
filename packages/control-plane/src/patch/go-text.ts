import { isJsonObject, textOf } from "../object.ts";
import { goScalar } from "../schema/go-decoding.ts";

/** A JSON value as Go prints it in messages: `map[a:1 b:[x y]]`. */
export function goText(value: unknown, scalar = (plain: unknown): string => textOf(plain, "<nil>")): string {
  if (Array.isArray(value)) return `[${value.map((item) => goText(item, scalar)).join(" ")}]`;
  if (!isJsonObject(value)) return scalar(value);
  const keys = Object.keys(value).sort();
  return `map[${keys.map((key) => `${key}:${goText(value[key], scalar)}`).join(" ")}]`;
}

/** As Go prints it where a text was expected: what is none comes with its type, `%!s(int64=1)`. */
export function goTextOfNoText(value: unknown): string {
  return goText(value, (plain) => {
    return plain === null || typeof plain === "string"
      ? textOf(plain, "<nil>")
      : `%!s(${goScalar(plain)}=${textOf(plain)})`;
  });
}
