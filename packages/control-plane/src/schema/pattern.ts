/** Patterns of schemas are Go's RE2; JavaScript's differ in escapes and in where flags stand. */

/** `undefined` when JavaScript cannot read the pattern either way. */
export function compilePattern(pattern: string): RegExp | undefined {
  const [, ignoreCase, rest = pattern] = /^(\(\?i\))?([^]*)$/.exec(pattern) ?? [];
  const flags = ignoreCase === undefined ? "" : "i";
  for (const unicode of ["u", ""]) {
    try {
      return new RegExp(rest, `${flags}${unicode}`);
    } catch {
      // RE2 takes escapes such as `\_` that Unicode mode refuses; the next round is without it.
    }
  }
  return undefined;
}
