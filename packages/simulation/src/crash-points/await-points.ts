/** Every await in the source of controllers and providers: each is a point at which the process may die. */
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { parse } from "acorn";
import { full } from "acorn-walk";
import type { CallSite } from "./call-site.ts";

export type AwaitPoint = {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
  covers(site: CallSite): boolean;
};

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const SOURCES = ["packages/controllers/src/**/*.ts", "providers/*/src/**/*.ts"];
const NOT_AT_RUN_TIME = /\.(test|fixture)\.ts$|\/testing\//;

export function readAwaitPoints(): AwaitPoint[] {
  const files = globSync(SOURCES, { cwd: ROOT })
    .filter((file) => !NOT_AT_RUN_TIME.test(file))
    .sort();
  if (files.length === 0) throw new Error(`no source of controllers and providers in ${ROOT}`);
  return files.flatMap(pointsOf);
}

function pointsOf(file: string): AwaitPoint[] {
  const source = readFileSync(ROOT + file, "utf8");
  // Types become blanks, so that positions stay what they are.
  const program = parse(stripTypeScriptTypes(source), { ecmaVersion: "latest", sourceType: "module", locations: true });
  const points: AwaitPoint[] = [];
  full(program, (node) => {
    if (node.type !== "AwaitExpression") return;
    const { start, end } = node.loc ?? { start: { line: 0, column: 0 }, end: { line: 0, column: 0 } };
    points.push({
      file,
      line: start.line,
      text: source.slice(node.start, node.end).replace(/\s+/g, " ").slice(0, 90),
      covers(site) {
        const [path, line, column] = site.split(":");
        if (path !== file) return false;
        const at = Number(line) * 1e4 + Number(column) - 1;
        return at >= start.line * 1e4 + start.column && at <= end.line * 1e4 + end.column;
      },
    });
  });
  return points.toSorted((one, other) => one.line - other.line);
}
