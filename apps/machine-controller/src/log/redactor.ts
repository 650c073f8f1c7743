/** Takes credentials out of texts, wherever they stand: in a message, quoted from a cloud's answer, or encoded. */

export type Redactor = {
  /** From now on this value is printed by nobody. Values that are too short to be a secret are left alone. */
  conceal(value: string): void;
  redact(text: string): string;
};

/** Shorter values are regions and user names, and would take ordinary words with them. */
const SHORTEST = 6;
/** A line of a key or certificate may be quoted by itself. */
const SHORTEST_LINE = 16;
/** Credentials that were rotated away go first. */
const MOST = 1_024;
const MARK = "[redacted]";

export function createRedactor(): Redactor {
  const values = new Set<string>();
  /** Concealed texts by their first characters, longest first: a text is scanned once however many there are. */
  const byStart = new Map<string, string[]>();

  function add(text: string): void {
    const start = text.slice(0, SHORTEST);
    const same = byStart.get(start) ?? [];
    if (same.includes(text)) return;
    byStart.set(
      start,
      [...same, text].sort((a, b) => b.length - a.length),
    );
  }

  return {
    conceal(value) {
      const trimmed = value.trim();
      if (trimmed.length < SHORTEST || values.has(trimmed)) return;
      values.add(trimmed);
      if (values.size > MOST) {
        for (const old of [...values].slice(0, MOST / 2)) values.delete(old);
        byStart.clear();
        for (const kept of values) for (const form of formsOf(kept)) add(form);
      } else {
        for (const form of formsOf(trimmed)) add(form);
      }
    },
    redact(text) {
      let clean = "";
      let from = 0;
      for (let at = 0; at + SHORTEST <= text.length;) {
        const found = byStart.get(text.slice(at, at + SHORTEST))?.find((form) => text.startsWith(form, at));
        if (found === undefined) {
          at += 1;
          continue;
        }
        clean += text.slice(from, at) + MARK;
        at += found.length;
        from = at;
      }
      return clean + text.slice(from);
    },
  };
}

/** How a value may appear: as it is, in JSON, in a URL, or in a Secret's or a header's base64. */
function* formsOf(value: string): Generator<string> {
  yield value;
  yield JSON.stringify(value).slice(1, -1);
  yield encodeURIComponent(value);
  yield* base64FormsOf(value);
  const lines = value.split(/\s+/).filter((line) => line.length >= SHORTEST_LINE && line !== value);
  for (const line of lines) yield line;
}

/** The part of any longer text's base64 that holds the value: three, by where in a group of three bytes it begins. */
function* base64FormsOf(value: string): Generator<string> {
  const bytes = Buffer.from(value);
  for (const offset of [0, 1, 2]) {
    const first = Math.ceil((offset * 8) / 6);
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    yield Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(first, end);
  }
}

/** Redacts the error's own words and those of its causes, in place: its class and code stay. */
export function redactError(error: unknown, redact: (text: string) => string): void {
  const seen = new Set<unknown>();
  for (let cause = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    const stack = cause.stack;
    cause.message = redact(cause.message);
    if (stack !== undefined) cause.stack = redact(stack);
  }
}
