// A page's snippets: fenced blocks of sh, yaml and json, each with what the HTML comment before it says of it.
import { readFileSync } from "node:fs";

export type Snippet = {
  page: string;
  line: number;
  language: string;
  text: string;
  /** Why it is not carried out. */
  notRun?: string;
  /** A YAML block that commands after it name. */
  file?: string;
  /** What its output says once a command that does not end is at work. */
  until?: RegExp;
  /** What the refusal says. */
  fails?: RegExp;
};

const FENCE = /(?:^<!-- (not run|file|until|fails): ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$/gms;
const CARRIED_OUT = ["sh", "yaml", "json"];

/** @throws where a block has no language: `text` is for output and drawings. */
export function snippetsOf(page: string): Snippet[] {
  const markdown = readFileSync(page, "utf8");
  return [...markdown.matchAll(FENCE)].flatMap((match) => {
    const [, directive, value = "", language = "", text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    if (language === "") throw new Error(`${page}:${line}: say the language of this block, or text`);
    if (!CARRIED_OUT.includes(language)) return [];
    return [
      {
        page,
        line,
        language,
        text,
        ...(directive === "not run" && { notRun: value }),
        ...(directive === "file" && { file: value }),
        ...(directive === "until" && { until: new RegExp(value, "m") }),
        ...(directive === "fails" && { fails: new RegExp(value, "s") }),
      },
    ];
  });
}
