/** `npm run mutants [PATTERN …]`: every deliberate bug, one at a time; ends with 1 where one is not caught. */
import { availableParallelism } from "node:os";
import { MUTATIONS } from "./registry.ts";
import { runMutation } from "./run-mutation.ts";

const patterns = process.argv.slice(2);
const chosen = MUTATIONS.filter(
  ({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)),
);
const queue = chosen.values();
let caughtCount = 0;

async function work(): Promise<void> {
  for (const mutation of queue) {
    const { caught, others, where } = await runMutation(mutation);
    if (caught !== undefined) caughtCount += 1;
    const what = caught?.what ?? `${mutation.why} It should break "${mutation.breaks}"`;
    process.stdout.write(`${mutation.name}: ${caught ? "caught" : "NOT CAUGHT"} ${where}\n    ${what}\n`);
    if (caught === undefined) for (const other of others) process.stdout.write(`    broke instead: ${other.what}\n`);
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
process.stdout.write(`${caughtCount} of ${chosen.length} deliberate bugs caught\n`);
process.exitCode = caughtCount === chosen.length && chosen.length > 0 ? 0 : 1;
