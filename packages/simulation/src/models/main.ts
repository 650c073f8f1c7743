/**
 * `npm run models [LIFE|CLOUD …]`: the process dies at every await of every small life on every cloud, and every message of
 * a creation, a replacement and deletions is struck by every fault. Ends with 1 where a promise is broken, or at some await
 * the process never died.
 */
import { CLOUD_NAMES } from "../clouds/registry.ts";
import { readAwaitPoints } from "../crash-points/await-points.ts";
import { coverageOf } from "../crash-points/coverage.ts";
import { coverageText } from "../report/coverage-text.ts";
import type { Life } from "./lives/life.ts";
import { LIVES } from "./lives/registry.ts";
import { wallClockMs } from "../world/clock.ts";
import { type Led, runModels } from "./run-models.ts";

const patterns = new Set(process.argv.slice(2));
const clouds = CLOUD_NAMES.filter((cloud) => patterns.has(cloud));
const names = [...patterns].filter((pattern) => !CLOUD_NAMES.some((cloud) => cloud === pattern));
/** The life of that name; where there is none, those whose names contain it. */
const livesOf = (pattern: string): readonly Life[] => {
  const named = LIVES.filter(({ name }) => name === pattern);
  return named.length > 0 ? named : LIVES.filter(({ name }) => name.includes(pattern));
};
const lives = names.length === 0 ? LIVES : [...new Set(names.flatMap(livesOf))];
const chosen = { ...(clouds.length > 0 && { clouds }) };
const startedMs = wallClockMs();
let broken = 0;
let all = 0;

function tell(how: string): (led: Led) => void {
  return ({ life, cloud, worlds, failures }) => {
    broken += failures.length;
    all += worlds;
    process.stdout.write(`${how}: ${life} on ${cloud}: ${worlds} worlds, ${failures.length} broken\n`);
    for (const { what, violation } of failures) process.stdout.write(`    ${what}: ${violation.what}\n`);
  };
}

const crashedAt = await runModels({ lives, mode: "crash", ...chosen, onLed: tell("dies at every await") });
const struck = await runModels({
  lives: lives.filter(({ everyFault }) => everyFault),
  mode: "faults",
  ...chosen,
  onLed: tell("every fault at every message"),
});
const coverage = coverageOf(readAwaitPoints(), [...crashedAt, ...struck]);
process.stdout.write(`${all} worlds in ${((wallClockMs() - startedMs) / 1_000).toFixed(0)} s, ${broken} broken\n`);
process.stdout.write(coverageText(coverage));
const isWhole = patterns.size > 0 || coverage.missed.length === 0;
process.exitCode = broken === 0 && isWhole && lives.length > 0 ? 0 : 1;
