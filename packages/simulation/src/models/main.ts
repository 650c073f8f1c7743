/**
 * `npm run models [LIFE|CLOUD …]`: the process dies at every await of every small life on every cloud, and every message of
 * the lives of one Machine is struck by every fault. Ends with 1 where a promise is broken, or an await was never died at.
 */
import { CLOUD_NAMES } from "../clouds/registry.ts";
import { readAwaitPoints } from "../crash-points/await-points.ts";
import { coverageOf } from "../crash-points/coverage.ts";
import { coverageText } from "../report/coverage-text.ts";
import { cloudsOf } from "./lives/life.ts";
import { MACHINE_LIVES } from "./lives/of-a-machine.ts";
import { LIVES } from "./lives/registry.ts";
import { type Led, runModels } from "./run-models.ts";

const patterns = process.argv.slice(2);
const isChosen = (name: string): boolean => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
const clouds = CLOUD_NAMES.filter((cloud) => patterns.includes(cloud));
const chosen = { ...(clouds.length > 0 && { clouds }) };
const ofLives = (life: { name: string }): boolean =>
  patterns.every((pattern) => CLOUD_NAMES.some((cloud) => cloud === pattern)) || isChosen(life.name);
let broken = 0;

function tell(how: string): (led: Led) => void {
  return ({ life, cloud, worlds, failures }) => {
    broken += failures.length;
    process.stdout.write(`${how}: ${life} on ${cloud}: ${worlds} worlds, ${failures.length} broken\n`);
    for (const { what, violation } of failures) process.stdout.write(`    ${what}: ${violation.what}\n`);
  };
}

const lives = LIVES.filter(ofLives);
const crashedAt = await runModels({ lives, mode: "crash", ...chosen, onLed: tell("dies at every await") });
const struck = await runModels({
  lives: MACHINE_LIVES.filter((life) => ofLives(life) && cloudsOf(life).length === CLOUD_NAMES.length),
  mode: "faults",
  ...chosen,
  onLed: tell("every fault at every message"),
});
const coverage = coverageOf(readAwaitPoints(), [...crashedAt, ...struck]);
process.stdout.write(coverageText(coverage));
const isWhole = patterns.length > 0 || coverage.missed.length === 0;
process.exitCode = broken === 0 && isWhole && lives.length > 0 ? 0 : 1;
