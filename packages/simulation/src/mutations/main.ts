/** `npm run mutants [PATTERN …]`: every deliberate bug, one at a time; ends with 1 where one is not caught. */
import { availableParallelism } from "node:os";
import { MUTATIONS } from "./registry.ts";
import { runMutation } from "./run-mutation.ts";

const patterns = process.argv.slice(2);
const chosen = MUTATIONS.filter(
  ({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)),
);
const queue = chosen.values();
let missed = 0;

async function work(): Promise<void> {
  for (const mutation of queue) {
    const { caught, seeds } = await runMutation(mutation);
    if (caught === undefined) missed += 1;
    const verdict = caught ? `caught by seed ${seeds}` : `NOT CAUGHT within ${seeds} seeds`;
    process.stdout.write(
      `${mutation.name}: ${verdict}\n${caught ? `    ${caught.violation?.what}\n` : `    ${mutation.why}\n`}`,
    );
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
process.stdout.write(`${chosen.length - missed} of ${chosen.length} deliberate bugs caught\n`);
process.exitCode = missed === 0 && chosen.length > 0 ? 0 : 1;
