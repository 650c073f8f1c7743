/** Every await in the source of controllers and providers: each is a point at which the process may die. */
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { parse } from "acorn";
import { fullAncestor } from "acorn-walk";

/** `packages/controllers/src/machine/act.ts:132:18`: file, line and column of the await, as in the source. */
export type PointId = string;

export type AwaitPoint = {
  readonly id: PointId;
  readonly text: string;
  /** The function or method it is in, by name; the innermost that has one. */
  readonly within: string;
  /** Where in the source what is awaited begins and ends. */
  readonly start: number;
  readonly end: number;
};

const ROOT = new URL("../../../../", import.meta.url);
const SOURCES = ["packages/controllers/src/**/*.ts", "providers/*/src/**/*.ts"];
const NOT_AT_RUN_TIME = /\.(test|fixture)\.ts$|\/testing\//;

/** The files with await points, from the root of the repository. */
export function filesWithAwaits(): string[] {
  const files = globSync(SOURCES, { cwd: fileURLToPath(ROOT) })
    .filter((file) => !NOT_AT_RUN_TIME.test(file))
    .sort();
  if (files.length === 0) throw new Error(`no source of controllers and providers in ${ROOT.href}`);
  return files;
}

export const sourceUrl = (file: string): URL => new URL(file, ROOT);

export const readAwaitPoints = (): AwaitPoint[] =>
  filesWithAwaits().flatMap((file) => pointsOf(file, readFileSync(sourceUrl(file), "utf8")));

export function pointsOf(file: string, source: string): AwaitPoint[] {
  // Types become blanks, so that positions stay what they are.
  const program = parse(stripTypeScriptTypes(source), { ecmaVersion: "latest", sourceType: "module", locations: true });
  const points: AwaitPoint[] = [];
  fullAncestor(program, (node, _state, ancestors) => {
    if (node.type === "ForOfStatement" && (node as { await?: boolean }).await)
      throw new Error(`${file}: a "for await" is no point that a crash can be tried at yet`);
    if (node.type !== "AwaitExpression") return;
    const { argument } = node as unknown as { argument: { start: number; end: number } };
    points.push({
      id: `${file}:${node.loc?.start.line}:${node.loc?.start.column}`,
      text: source.slice(node.start, node.end).replace(/\s+/g, " ").slice(0, 90),
      within: ancestors.map(nameOf).findLast((name) => name !== undefined) ?? "",
      start: argument.start,
      end: argument.end,
    });
  });
  return points.toSorted((one, other) => one.start - other.start);
}

type Named = { type: string; id?: { name?: string } | null; key?: { name?: string }; method?: boolean };

/** Of a function, a variable or a method. */
function nameOf(node: unknown): string | undefined {
  const { type, id, key, method } = node as Named;
  if (type === "FunctionDeclaration" || type === "VariableDeclarator") return id?.name;
  return type === "Property" && method === true ? key?.name : undefined;
}
