/** `npm run mutants [PATTERN …]`: every deliberate bug, one at a time; ends with 1 where one is not caught that was before. */
import { availableParallelism } from "node:os";
import { MUTATIONS } from "./registry.ts";
import { runMutation } from "./run-mutation.ts";

const patterns = process.argv.slice(2);
const chosen = MUTATIONS.filter(
  ({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)),
);
const queue = chosen.values();
let caughtCount = 0;
let unexpected = 0;

async function work(): Promise<void> {
  for (const mutation of queue) {
    const { caught, seeds } = await runMutation(mutation);
    if (caught !== undefined) caughtCount += 1;
    if (caught === undefined && !mutation.escapes) unexpected += 1;
    const escape = mutation.escapes ? ", as before" : "";
    const mend = mutation.escapes ? "; it escapes no more: take the mark off" : "";
    const verdict = caught ? `caught by seed ${seeds}${mend}` : `NOT CAUGHT within ${seeds} seeds${escape}`;
    process.stdout.write(
      `${mutation.name}: ${verdict}\n${caught ? `    ${caught.violation?.what}\n` : `    ${mutation.why}\n`}`,
    );
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
process.stdout.write(`${caughtCount} of ${chosen.length} deliberate bugs caught\n`);
process.exitCode = unexpected === 0 && chosen.length > 0 ? 0 : 1;
