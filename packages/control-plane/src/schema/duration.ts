/** Durations as the API server reads them: Go's `1h30m`, and in words, `2 weeks 3 days`. */

const SECOND = 1_000_000_000n;
const GO_UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};
/** Names of units; a word may begin with the last. */
const WORDS: [names: string[], nanos: bigint][] = [
  [["ns", "nano"], 1n],
  [["us", "µs", "micro"], 1000n],
  [["ms", "milli"], 1_000_000n],
  [["s", "sec"], SECOND],
  [["m", "min"], 60n * SECOND],
  [["h", "hr", "hour"], 3600n * SECOND],
  [["d", "day"], 86_400n * SECOND],
  [["w", "wk", "week"], 604_800n * SECOND],
];
const GO_DURATION = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/;

/** In nanoseconds; `undefined` for text that is no duration. */
export function parseDuration(text: string): bigint | undefined {
  const [, sign, parts = ""] = GO_DURATION.exec(text) ?? [];
  if (sign === undefined) return parseWords(text);
  let nanos = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of parts.matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)) {
    const digits = BigInt(`0${whole}${fraction}`);
    nanos += (digits * (GO_UNITS[unit] ?? 0n)) / 10n ** BigInt(fraction.length);
  }
  return sign === "-" ? -nanos : nanos;
}

function parseWords(text: string): bigint | undefined {
  let found: bigint | undefined;
  for (const [, amount = "", word = ""] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    const unit = word.toLowerCase();
    for (const [names, nanos] of WORDS) {
      if (names.includes(unit) || unit.startsWith(names.at(-1) ?? "")) found = (found ?? 0n) + BigInt(amount) * nanos;
    }
  }
  return found;
}
