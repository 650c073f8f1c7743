/**
 * `npm run models [LIFE|CLOUD …]`: every fault at every message of every small life on every cloud, and which of the awaits
 * in controllers and providers a process died at. Ends with 1 where a promise is broken.
 */
import { CLOUD_NAMES } from "../clouds/registry.ts";
import { readAwaitPoints } from "../crash-points/await-points.ts";
import { coverageOf } from "../crash-points/coverage.ts";
import { coverageText } from "../report/coverage-text.ts";
import { serializeCrypto } from "../world/clock.ts";
import { enumerate } from "./enumerate.ts";
import { LIVES } from "./lives.ts";

serializeCrypto();
const patterns = process.argv.slice(2);
const isChosen = (...names: string[]): boolean =>
  patterns.every((pattern) => names.some((name) => name.includes(pattern)));
const crashedAt = new Set<string>();
let broken = 0;

for (const life of LIVES) {
  for (const cloud of CLOUD_NAMES) {
    if (!isChosen(life.name, cloud)) continue;
    const result = await enumerate(life, cloud);
    for (const site of result.crashedAt) crashedAt.add(site);
    broken += result.failures.length;
    process.stdout.write(
      `${life.name} on ${cloud}: ${result.messages} messages, ${result.worlds} worlds with a fault, ${result.failures.length} broken\n`,
    );
    for (const { id, fault, violation } of result.failures)
      process.stdout.write(`    ${fault} at ${id}: ${violation.what}\n`);
  }
}
process.stdout.write(coverageText(coverageOf(readAwaitPoints(), crashedAt)));
process.exitCode = broken === 0 ? 0 : 1;
