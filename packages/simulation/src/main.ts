/** `npm run simulate`. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { HELP, parseCommandLine, type SimulateOptions } from "./command-line.ts";
import { timelineHtml } from "./report/timeline-html.ts";
import { timelineText } from "./report/timeline-text.ts";
import { totalsText } from "./report/totals-text.ts";
import { runSeed } from "./run/run-seed.ts";
import { runSeeds } from "./run/run-seeds.ts";
import { shrink } from "./run/shrink.ts";
import { addTo, createTotals, type WorldSummary } from "./run/summary.ts";
import { serializeCrypto, wallClockMs } from "./world/clock.ts";
import type { WorldResult } from "./world/run-world.ts";

const { stdout, stderr } = process;
const PROGRESS_MS = 500;
/** Takes the line of progress away. */
const clear = (): string => (stderr.isTTY ? "\r\u001b[K" : "");

try {
  const options = parseCommandLine(process.argv.slice(2));
  if (options === undefined) stdout.write(HELP);
  else
    process.exitCode = (await (options.seed === undefined ? search(options) : replay(options.seed, options))) ? 0 : 1;
} catch (error) {
  stderr.write(`simulate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

/** One world, told as a story. */
async function replay(seed: string, { cloud, only, verbose, html }: SimulateOptions): Promise<boolean> {
  serializeCrypto();
  const { result } = await runSeed(seed, { cloud, only });
  stdout.write(timelineText(result.moments, { everything: verbose }));
  stdout.write(`\nhistory ${result.hash}\n`);
  if (html !== undefined) writeFileSync(html, timelineHtml(result));
  stdout.write(result.violation === undefined ? "every promise was kept\n" : `BROKEN  ${result.violation.what}\n`);
  return result.violation === undefined;
}

/** Many worlds; the first that breaks a promise is shrunk and told. */
async function search(options: SimulateOptions): Promise<boolean> {
  const startedMs = wallClockMs();
  const totals = createTotals();
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  let shownMs = 0;
  const onWorld = (world: WorldSummary): void => {
    addTo(totals, world);
    if (world.violation !== undefined) {
      stdout.write(`${clear()}seed ${world.seed} (${world.cloud})  BROKEN  ${world.violation.what}\n`);
    }
    const elapsedMs = wallClockMs() - startedMs;
    if (elapsedMs - shownMs < PROGRESS_MS) return;
    shownMs = elapsedMs;
    const rate = totals.worlds / (elapsedMs / 1_000);
    const leftS = (options.seeds - totals.worlds) / rate;
    const failures = totals.failures.length === 0 ? "" : `, ${totals.failures.length} broken`;
    if (stderr.isTTY) {
      stderr.write(
        `${clear()}${totals.worlds}/${options.seeds} worlds, ${rate.toFixed(1)}/s, ${leftS.toFixed(0)} s left${failures}`,
      );
    }
  };
  await runSeeds({
    seeds: Array.from({ length: options.seeds }, (_, index) => String(options.from + index)),
    cloud: options.cloud,
    workers: options.workers ?? availableParallelism(),
    onWorld,
    signal: stop.signal,
  });
  stdout.write(`${clear()}${totalsText(totals, { elapsedMs: wallClockMs() - startedMs })}`);
  const [first] = totals.failures.toSorted((one, other) => one.events - other.events);
  if (first === undefined) return true;
  await tell(first.seed, options);
  return false;
}

async function tell(seed: string, { cloud, html }: SimulateOptions): Promise<void> {
  serializeCrypto();
  const { result } = await runSeed(seed, { cloud });
  const smallest = await shrink(result, { cloud }, (left, runs) => {
    if (stderr.isTTY)
      stderr.write(`${clear()}shrinking seed ${seed}: ${left} faults and doings left after ${runs} runs`);
  });
  stdout.write(
    `${clear()}\nSeed ${seed}, shrunk from ${result.strikes.length} to ${smallest.strikes.length} faults and doings:\n\n`,
  );
  stdout.write(timelineText(smallest.moments, { everything: false }));
  stdout.write(`\nBROKEN  ${smallest.violation?.what}\n\nthe whole history:  ${command(result, { cloud })}\n`);
  stdout.write(`the shrunk one:     ${command(smallest, { cloud, only: smallest.strikes.map(({ id }) => id) })}\n`);
  if (html !== undefined) writeFileSync(html, timelineHtml(smallest));
}

function command(
  { seed }: WorldResult,
  { cloud, only }: { cloud: string | undefined; only?: readonly string[] },
): string {
  const provider = cloud === undefined ? "" : ` --provider ${cloud}`;
  return `npm run simulate -- --seed ${seed}${provider}${only === undefined ? "" : ` --only '${only.join(";")}'`} --verbose`;
}
