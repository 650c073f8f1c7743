/** The life of a world: busy with faults, healed, at rest, and quiet for a while; held to every invariant all along. */
import "../platform/install.ts";
import type { Invariant } from "../invariants/invariant.ts";
import { INVARIANTS } from "../invariants/registry.ts";
import { answerDoubts, scheduleHappenings, setUp, tidyUp } from "./people.ts";
import type { Strike } from "./fates.ts";
import type { Scenario } from "./scenario.ts";
import { START_MS } from "./scheduler.ts";
import type { Moment } from "./timeline.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

export type Violation = { readonly invariant: string; readonly what: string; readonly atMs: number };

export type WorldResult = {
  readonly seed: string;
  readonly cloud: string;
  /** The first broken promise; the world ends with it. */
  readonly violation: Violation | undefined;
  readonly hash: string;
  readonly strikes: readonly Strike[];
  readonly moments: readonly Moment[];
  /** Virtual milliseconds that passed, events carried out, checks made. */
  readonly virtualMs: number;
  readonly events: number;
  readonly checks: number;
};

/** After so long without any fault everything has come to rest, or it never will. */
const REST_LIMIT_MS = 40 * 60_000;
const REST_STEP_MS = 10_000;
/** So long that whoever still waited for an answer that was lost has given up. */
const REST_STEPS = 4;
/** More than any world needs; a loop that makes virtual time stand almost still needs more. */
const MOST_EVENTS = 30_000;
const QUIET_MS = 120_000;

export type RunOptions = WorldOptions & {
  /** What happens beside what the seed makes happen. */
  script?: ((world: World) => void) | undefined;
  /** Told after each event, of how many there have been. */
  onEvent?: ((count: number, world: World) => void) | undefined;
};

export async function runWorld(scenario: Scenario, options: RunOptions = {}): Promise<WorldResult> {
  const world = await createWorld(scenario, options);
  const { scheduler, timeline } = world;
  const checks = INVARIANTS.map((invariant) => ({ invariant, check: invariant.watch(world) }));
  let violation: Violation | undefined;
  let made = 0;
  let seen = -1;

  const isBroken = (): boolean => violation !== undefined;
  function hold(when: Invariant["when"]): string | undefined {
    for (const { invariant, check } of checks) {
      if (invariant.when !== when) continue;
      made += 1;
      const what = check();
      if (what !== undefined) return `${invariant.name}: ${what}`;
    }
    return undefined;
  }
  function holdAlways(): void {
    if (violation !== undefined || timeline.moments.length === seen) return;
    const what = hold("always");
    if (what !== undefined) fail(what);
    seen = timeline.moments.length;
  }
  function fail(what: string): void {
    const [invariant = ""] = what.split(":");
    violation = { invariant, what, atMs: scheduler.now() - START_MS };
    timeline.add("invariant", what, "violation");
  }
  const isLooping = (): boolean => scheduler.count > MOST_EVENTS;
  const run = async (ms: number): Promise<void> => {
    const isDone = (): boolean => isBroken() || isLooping();
    const afterEach = (): void => {
      holdAlways();
      options.onEvent?.(scheduler.count, world);
    };
    await scheduler.run({ untilMs: scheduler.now() + ms, isDone, afterEach });
    if (!isBroken() && isLooping()) fail(`rest is quiet: ${MOST_EVENTS} events and no end`);
  };

  try {
    await setUp(world);
    scheduleHappenings(world);
    options.script?.(world);
    for (const name of scenario.replicas > 1 ? ["controller-a", "controller-b"] : ["controller-a"]) {
      scheduler.after(0, () => world.controllers.start(name));
    }
    await run(scenario.busyMs);
    await world.heal();
    timeline.add("world", "heals", "event");
    await tidyUp(world);
    const limitMs = scheduler.now() + REST_LIMIT_MS;
    let unrest = "";
    for (let calm = 0; calm < REST_STEPS && !isBroken() && scheduler.now() < limitMs;) {
      await run(REST_STEP_MS);
      await answerDoubts(world);
      unrest = hold("at rest") ?? "";
      calm = unrest === "" ? calm + 1 : 0;
    }
    if (!isBroken() && unrest !== "") fail(unrest);
    await settleAndStayQuiet(world, { run, fail, hold, isBroken });
    return {
      seed: scenario.seed,
      cloud: scenario.cloud,
      violation,
      hash: timeline.hash(),
      strikes: world.fates.strikes,
      moments: timeline.moments,
      virtualMs: scheduler.now() - START_MS,
      events: scheduler.count,
      checks: made,
    };
  } finally {
    world.close();
  }
}

async function settleAndStayQuiet(
  { timeline, rest, scheduler }: World,
  steps: {
    run: (ms: number) => Promise<void>;
    fail: (what: string) => void;
    hold: (when: Invariant["when"]) => string | undefined;
    isBroken: () => boolean;
  },
): Promise<void> {
  if (steps.isBroken()) return;
  timeline.add("world", "is at rest", "event");
  rest.sinceMs = scheduler.now();
  await steps.run(QUIET_MS);
  if (steps.isBroken()) return;
  const what = steps.hold("at rest");
  if (what !== undefined) steps.fail(`${what} (it had come to rest before)`);
}
