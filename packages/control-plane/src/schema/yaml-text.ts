/** YAML as the API server reads it: version 1.1, the first document, and what is said twice counts as said last. */
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Document, ParseOptions, DocumentOptions, SchemaOptions, Tags } from "yaml";

/** Its message is one line, `yaml: line 3: …`. */
export class YamlProblem extends Error {}

const OPTIONS = {
  version: "1.1",
  uniqueKeys: false,
  logLevel: "error",
  // As Go has it, dates are texts, and there are no numbers to the base of 60.
  customTags: (tags: Tags) =>
    tags.filter((tag) => typeof tag === "string" || !(tag.tag.endsWith(":timestamp") || tag.format === "TIME")),
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** Throws YamlProblem. An empty text is null. */
export function readYaml(text: string): unknown {
  const document = firstDocument(text);
  const [error] = document?.errors ?? [];
  if (error !== undefined) {
    throw new YamlProblem(
      `yaml: line ${error.linePos?.[0].line ?? 1}: ${error.message.split(/:?\n| at line /)[0] ?? ""}`,
    );
  }
  try {
    return document?.toJS({ maxAliasCount: 100 }) ?? null;
  } catch (error) {
    throw new YamlProblem("yaml: document contains excessive aliasing", { cause: error });
  }
}

/** `line 3: key "a" already set in map`, in the order in which the values end. */
export function repetitionsInYaml(text: string): string[] {
  const lines = new LineCounter();
  return [...repeatedKeys(firstDocument(text, lines)?.contents, (offset) => lines.linePos(offset).line)];
}

function firstDocument(text: string, lineCounter?: LineCounter): Document.Parsed | undefined {
  const documents = parseAllDocuments(text, { ...OPTIONS, ...(lineCounter && { lineCounter }) });
  return Array.isArray(documents) ? documents[0] : undefined;
}

function* repeatedKeys(node: unknown, lineOf: (offset: number) => number): Generator<string> {
  if (isSeq(node)) for (const item of node.items) yield* repeatedKeys(item, lineOf);
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    yield* repeatedKeys(pair.value, lineOf);
    const line = lineOf(startOf(pair.value) ?? startOf(pair.key) ?? 0);
    if (seen.has(key)) yield `line ${line}: key ${JSON.stringify(key)} already set in map`;
    seen.add(key);
  }
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}
