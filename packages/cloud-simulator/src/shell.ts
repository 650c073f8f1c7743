/**
 * Splits shell text into simple commands, as much as following a provisioning script needs: quotes, continuations,
 * comments, separators, here-documents and `$(…)`. Branches are not decided: every command counts as reached.
 */

export type ShellCommand = {
  /** Without quotes; `$` expressions other than the script's own arguments stay as written. */
  words: string[];
  /** `quoted`: the delimiter was quoted, so nothing in the body is expanded. */
  heredoc?: { body: string; quoted: boolean };
};

/** Words in front of a command that do not change which program runs. */
const PREFIXES = new Set("if then else elif while until do ! { ( time sudo exec nohup env command".split(" "));

/** `$1`, `${1}`, `$*`, `${@}` and so on, in one of the two groups. */
const PARAMETER = String.raw`\$(?:\{([1-9@*])\}|([1-9@*]))`;

/** With `args`, which are those of the script, its parameters are filled in as a shell would; without, they stay. */
export function parseShell(script: string, args?: readonly string[]): ShellCommand[] {
  const text = script.replaceAll("\\\n", " ");
  const commands: ShellCommand[] = [];
  const pending: { command: ShellCommand; delimiter: string; quoted: boolean; strip: boolean }[] = [];
  let command: ShellCommand = { words: [] };
  let word: string | undefined;
  let at = 0;

  /** What one parameter stands for: a field for each argument, or one field. */
  const fields = (parameter: string): readonly string[] =>
    /[@*]/.test(parameter) ? (args ?? []) : [args?.[Number(parameter) - 1] ?? ""];
  const fillParameters = (body: string): string =>
    body.replaceAll(new RegExp(PARAMETER, "g"), (_, braced?: string, bare?: string) =>
      fields(braced ?? bare ?? "").join(" "),
    );
  const fillQuoted = (quoted: string): string =>
    quoted.replaceAll(new RegExp(String.raw`\\(["\\$\`])|${PARAMETER}`, "g"), (match, ...groups) => {
      const [escaped, braced, bare] = groups as (string | undefined)[];
      if (escaped !== undefined) return escaped;
      return args === undefined ? match : fields(braced ?? bare ?? "").join(" ");
    });
  /** Parts without quotes: the first and the last join what they stand next to. */
  const addFields = (parts: readonly string[]): void => {
    for (const [index, part] of parts.entries()) {
      if (index > 0) endWord();
      word = (word ?? "") + part;
    }
  };

  const endWord = (): void => {
    if (word !== undefined) command.words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (command.words.length > 0) commands.push(command);
    command = { words: [] };
  };

  while (at < text.length) {
    const char = text[at] ?? "";
    const rest = text.slice(at, at + 64);
    const parameter = args && new RegExp(`^(?:"\\$(?:@|\\{@\\})"|${PARAMETER})`).exec(rest);
    const heredoc = word === undefined ? /^<<(-?)\s*(["']?)(\w+)\2/.exec(rest) : null;
    if (heredoc !== null) {
      pending.push({ command, delimiter: heredoc[3] ?? "", quoted: heredoc[2] !== "", strip: heredoc[1] === "-" });
      at += heredoc[0].length;
    } else if (parameter) {
      const isQuoted = char === '"';
      const values = fields(isQuoted ? "@" : (parameter[1] ?? parameter[2] ?? ""));
      addFields(isQuoted ? values : values.flatMap((value) => value.split(/\s+/)).filter(Boolean));
      at += parameter[0].length;
    } else if (char === "\n") {
      endCommand();
      at += 1;
      for (const { command: owner, delimiter, quoted, strip } of pending.splice(0)) {
        const end = new RegExp(`^${strip ? "\\t*" : ""}${delimiter}$`, "m").exec(text.slice(at));
        const raw = text.slice(at, end === null ? text.length : at + end.index);
        const body = quoted || args === undefined ? raw : fillParameters(raw);
        owner.heredoc = { body: strip ? body.replaceAll(/^\t+/gm, "") : body, quoted };
        at = end === null ? text.length : at + end.index + end[0].length;
      }
    } else if (char === "'") {
      const end = indexOr(text, "'", at + 1);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const end = closingQuote(text, at + 1);
      word = (word ?? "") + fillQuoted(text.slice(at + 1, end));
      at = end + 1;
    } else if (text.startsWith("$(", at)) {
      const end = closingParenthesis(text, at + 2);
      word = (word ?? "") + text.slice(at, end + 1);
      at = end + 1;
    } else if (char === "\\") {
      word = (word ?? "") + (text[at + 1] ?? "");
      at += 2;
    } else if (char === "#" && word === undefined) {
      at = indexOr(text, "\n", at);
    } else if (/[;|()]/.test(char) || (char === "&" && !/[<>]$/.test(word ?? ""))) {
      endCommand();
      at += 1;
    } else if (/\s/.test(char)) {
      endWord();
      at += 1;
    } else if (char === ">" && !/^[0-9&>]*$/.test(word ?? "")) {
      endWord();
    } else {
      word = (word ?? "") + char;
      at += 1;
      if (/^[0-9&]*>>?$/.test(word) && text[at] !== ">" && text[at] !== "&") endWord();
    }
  }
  endCommand();
  return commands;
}

/** Splits one line of arguments as a shell and systemd do. */
export function splitWords(line: string): string[] {
  return parseShell(line.replaceAll(/[;|()&]/g, "\\$&")).flatMap(({ words }) => words);
}

/** The program and its arguments, behind `if`, `sudo`, `timeout 30`, `A=b` and the like. */
export function withoutPrefixes(words: readonly string[]): string[] {
  let at = 0;
  for (;;) {
    const word = words[at];
    if (word === undefined) return [];
    if (word === "timeout") at += 2;
    else if (PREFIXES.has(word) || /^\w+=/.test(word) || (at > 0 && word.startsWith("-"))) at += 1;
    else return words.slice(at);
  }
}

function indexOr(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}

function closingQuote(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function closingParenthesis(text: string, from: number): number {
  let depth = 1;
  let at = from;
  while (at < text.length) {
    if (text[at] === "(") depth += 1;
    if (text[at] === ")") depth -= 1;
    if (depth === 0) return at;
    at += 1;
  }
  return text.length;
}
