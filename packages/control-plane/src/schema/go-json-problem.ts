/** What Go's JSON decoder finds wrong with a text, in its words. */

const MAX_DEPTH = 10_000;

type Expected = "value" | "value or ]" | "key" | "key or }" | "more";

/** `undefined` for a text that is JSON. Bytes beyond ASCII are named as characters. */
export function goJsonProblem(text: string): string | undefined {
  const open: ("{" | "[")[] = [];
  let at = 0;
  let expected: Expected = "value";
  const skipSpace = (): string | undefined => {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at += 1;
    return text[at];
  };
  const bad = (where: string): string => problemAt(text, at, where);
  for (;;) {
    const next = skipSpace();
    if ((expected === "value or ]" && next === "]") || (expected === "key or }" && next === "}")) {
      open.pop();
      at += 1;
      expected = "more";
    } else if (expected === "value" || expected === "value or ]") {
      if (next === "{" || next === "[") {
        if (open.push(next) > MAX_DEPTH) return "exceeded max depth";
        at += 1;
        expected = next === "{" ? "key or }" : "value or ]";
      } else {
        const scalar = scanScalar(text, at);
        if (scalar.problem !== undefined) return scalar.problem;
        at = scalar.end;
        expected = "more";
      }
    } else if (expected === "key" || expected === "key or }") {
      if (next !== '"') return bad("looking for beginning of object key string");
      const key = scanScalar(text, at);
      if (key.problem !== undefined) return key.problem;
      at = key.end;
      if (skipSpace() !== ":") return bad("after object key");
      at += 1;
      expected = "value";
    } else {
      const inner = open.at(-1);
      if (inner === undefined) return at === text.length ? undefined : bad("after top-level value");
      if (next === ",") expected = inner === "{" ? "key" : "value";
      else if (next === (inner === "{" ? "}" : "]")) open.pop();
      else return bad(inner === "{" ? "after object key:value pair" : "after array element");
      at += 1;
    }
  }
}

/** What may come next in a scalar, by what has come: the pattern of one more step, and what is said where it does not fit. */
const NUMBER: [step: RegExp, where: string][] = [
  [/-?/y, ""],
  [/0|[1-9]\d*/y, "in numeric literal"],
  [/\.\d+|(?!\.)/y, "after decimal point in numeric literal"],
  [/[eE][+-]?\d+|(?![eE])/y, "in exponent of numeric literal"],
];

function scanScalar(text: string, start: number): { end: number; problem?: string } {
  const first = text[start];
  if (first === '"') return scanString(text, start);
  const literal = ["true", "false", "null"].find((word) => word[0] === first);
  if (literal !== undefined) {
    const wrong = Array.from(literal).findIndex((letter, index) => text[start + index] !== letter);
    if (wrong < 0) return { end: start + literal.length };
    const where = `in literal ${literal} (expecting '${literal.charAt(wrong)}')`;
    return { end: start, problem: problemIn(text, start + wrong, where) };
  }
  if (first === undefined || !/[-\d]/.test(first)) {
    return { end: start, problem: problemAt(text, start, "looking for beginning of value") };
  }
  let end = start;
  for (const [step, where] of NUMBER) {
    step.lastIndex = end;
    if (!step.test(text)) return { end, problem: problemIn(text, wrongIn(text, end), where) };
    end = step.lastIndex;
  }
  return { end };
}

/** Past the point or the exponent's sign that the wrong character follows. */
function wrongIn(text: string, at: number): number {
  const sign = /\.|[eE][+-]?/y;
  sign.lastIndex = at;
  return sign.test(text) ? sign.lastIndex : at;
}

function scanString(text: string, start: number): { end: number; problem?: string } {
  for (let at = start + 1; ; at += 1) {
    const next = text[at];
    if (next === '"') return { end: at + 1 };
    if (next === undefined || next < " ") return { end: at, problem: problemAt(text, at, "in string literal") };
    if (next !== "\\") continue;
    at += 1;
    if (!'bfnrt\\/"u'.includes(text[at] ?? " "))
      return { end: at, problem: problemIn(text, at, "in string escape code") };
    if (text[at] !== "u") continue;
    const wrong = [1, 2, 3, 4].find((offset) => !/[\da-fA-F]/.test(text[at + offset] ?? ""));
    if (wrong !== undefined) {
      return { end: at, problem: problemIn(text, at + wrong, "in \\u hexadecimal character escape") };
    }
    at += 4;
  }
}

/** To Go the end of the text is a space, which no scalar goes on with. */
function problemIn(text: string, at: number, where: string): string {
  return problemAt(`${text} `, at, where);
}

function problemAt(text: string, at: number, where: string): string {
  const wrong = text[at];
  if (wrong === undefined) return "unexpected end of JSON input";
  const quoted = wrong === "'" ? "\\'" : wrong === '"' ? '"' : escapeControls(JSON.stringify(wrong).slice(1, -1));
  return `invalid character '${quoted}' ${where}`;
}

function escapeControls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}
