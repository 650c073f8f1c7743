/** A topic of the behaviour suite: cases that hold for every body of a control plane, and how they are run. */
import { createWorld } from "./world.ts";
import type { Body, World } from "./world.ts";

export type Case = { name: string; run(world: World): Promise<void> };

export type Behaviour = {
  /** Lower-case letters, digits and dashes. */
  topic: string;
  cases: readonly Case[];
};

export function behaviour(topic: string, cases: Record<string, (world: World) => Promise<void>>): Behaviour {
  return { topic, cases: Object.entries(cases).map(([name, run]) => ({ name, run })) };
}

export type BoundCase = { topic: string; name: string; run(): Promise<void> };

/** The cases as functions to call, in any order and at once. `run` tells several runs on one body apart. */
export function bindCases(behaviours: readonly Behaviour[], body: Body, run: string): BoundCase[] {
  return behaviours.flatMap(({ topic, cases }) => {
    const made = new Map<string, Promise<unknown>>();
    return cases.map(({ name, run: runCase }, index) => ({
      topic,
      name,
      async run() {
        const { world, end } = await createWorld(body, { run, topic, index, made });
        try {
          await runCase(world);
        } finally {
          end();
        }
      },
    }));
  });
}
