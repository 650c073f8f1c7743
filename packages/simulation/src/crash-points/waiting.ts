/**
 * What the code of controllers and providers waits for at any moment. Their source is changed as it is loaded: each
 * `await x` tells of itself, and is otherwise what it was. An await that never lasts from one event of the world to the
 * next waits for nothing outside.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { filesWithAwaits, type PointId, pointsOf, sourceUrl } from "./await-points.ts";

export type Waiting = {
  /** Points at which somebody waits now. */
  now(): PointId[];
  /** Points that were come by. */
  readonly passed: ReadonlySet<PointId>;
  /** Whoever waited has died. */
  forget(): void;
};

/** What the changed source calls. */
const HOOK = "__simulationWaitsFor";

/** Has to run before the first import of what it follows, once a thread. */
export function followAwaits(): Waiting {
  let counts = new Map<PointId, number>();
  const passed = new Set<PointId>();

  function waitsFor(id: PointId, value: unknown): unknown {
    passed.add(id);
    if (!(value instanceof Promise)) return value;
    const mine = counts;
    mine.set(id, (mine.get(id) ?? 0) + 1);
    const end = (): void => {
      const left = (mine.get(id) ?? 1) - 1;
      if (left > 0) mine.set(id, left);
      else mine.delete(id);
    };
    value.then(end, end);
    return value;
  }

  Object.defineProperty(globalThis, HOOK, { value: waitsFor });
  const files = new Map(filesWithAwaits().map((file) => [sourceUrl(file).href, file]));
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const file = files.get(url);
      if (file === undefined) return loaded;
      const source = readFileSync(sourceUrl(file), "utf8");
      return { ...loaded, source: tellAwaits(file, source) };
    },
  });
  return { now: () => [...counts.keys()], passed, forget: () => void (counts = new Map()) };
}

/** Works from the end, so that earlier positions stay what they are. */
export function tellAwaits(file: string, source: string): string {
  const inserts = pointsOf(file, source).flatMap(({ id, start, end }) => [
    { at: start, text: `${HOOK}(${JSON.stringify(id)}, ` },
    { at: end, text: ")" },
  ]);
  let told = source;
  // At one position what ends comes before what begins.
  for (const { at, text } of inserts.toSorted((a, b) => b.at - a.at || Number(a.text === ")") - Number(b.text === ")")))
    told = told.slice(0, at) + text + told.slice(at);
  return told;
}
