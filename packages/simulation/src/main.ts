/** `npm run simulate`: worlds by the seed, and what they found. */
import { serializeCrypto } from "./world/clock.ts";
import { runWorld } from "./world/run-world.ts";
import { scenarioFor } from "./world/scenario.ts";

serializeCrypto();
const [from = "1", count = "3", verbose] = process.argv.slice(2);
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  const cpu = process.cpuUsage();
  const result = await runWorld(scenarioFor(String(seed)));
  const lines = result.moments.map(({ atMs, actor, what }) => `${(atMs / 1_000).toFixed(3)} ${actor} ${what}\n`);
  if (verbose !== undefined) process.stdout.write(lines.join(""));
  const { user } = process.cpuUsage(cpu);
  process.stdout.write(
    `${seed} ${result.hash.slice(0, 12)} ${result.violation?.what ?? "ok"} (${result.events} events, ${Math.round(user / 1_000)} ms)\n`,
  );
}
