/** The replicas of the controller: started, killed, frozen, cut off, and started again like a Deployment's pods. */
import type { Fates } from "./fates.ts";
import type { Network } from "./network.ts";
import { createProcess, type Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Timeline } from "./timeline.ts";

export type Replicas = {
  start(name: string): void;
  /** Kills the process if it is still the running one, and starts its successor after a while. */
  kill(process: Process, why: string): void;
  crash(random: Random): string | undefined;
  freeze(random: Random, ms: number): string | undefined;
  turnClock(random: Random, byMs: number): string | undefined;
  partition(random: Random, options: { from: "kube" | "cloud"; ms: number }): string | undefined;
  stop(): void;
};

const RESTART_MS = { least: 300, most: 15_000 };

export function createReplicas(context: {
  seed: string;
  scheduler: Scheduler;
  fates: Fates;
  timeline: Timeline;
  network: Network;
  cloudName: string;
  onDeath?: ((process: Process) => void) | undefined;
  run: (process: Process) => Promise<void>;
}): Replicas {
  const { seed, scheduler, fates, timeline, network } = context;
  const running = new Map<string, Process>();
  const generations = new Map<string, number>();

  function start(name: string): void {
    const generation = (generations.get(name) ?? 0) + 1;
    generations.set(name, generation);
    const process = createProcess(scheduler, { name, generation, seed });
    running.set(name, process);
    timeline.add(name, `starts (${generation})`, "event");
    context.run(process).then(
      () => kill(process, "ended"),
      (error: unknown) => kill(process, `gave up: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  function kill(process: Process, why: string): void {
    const { name, generation } = process;
    if (running.get(name) !== process) return;
    running.delete(name);
    context.onDeath?.(process);
    process.kill();
    timeline.add(name, `dies (${generation}): ${why}`, "fault");
    const draw = fates.draw(`${name} restart ${generation}`) ** 3;
    scheduler.after(RESTART_MS.least + Math.floor(draw * RESTART_MS.most), () => start(name));
  }

  const one = (random: Random): Process | undefined => {
    const all = [...running.values()];
    return all.length === 0 ? undefined : random.pick(all);
  };
  const on = (random: Random, effect: (process: Process) => string): string | undefined => {
    const process = one(random);
    return process && effect(process);
  };

  return {
    start,
    kill,
    crash: (random) =>
      on(random, (process) => {
        kill(process, "killed");
        return process.name;
      }),
    freeze: (random, ms) =>
      on(random, (process) => {
        process.freeze(ms);
        return `${process.name} for ${ms} ms`;
      }),
    turnClock: (random, byMs) =>
      on(random, (process) => {
        process.turnClock(byMs);
        return `${process.name} by ${byMs} ms`;
      }),
    partition: (random, { from, ms }) =>
      on(random, ({ name }) => {
        const to = from === "kube" ? "kube" : context.cloudName;
        network.partition(name, to);
        scheduler.after(ms, () => network.rejoin(name, to));
        return `${name} for ${ms} ms`;
      }),
    stop() {
      for (const process of running.values()) process.kill();
      running.clear();
    },
  };
}
