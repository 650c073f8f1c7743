/** What became of the machine's CPU time, as Linux counts it: a ratio of two rates says little when others take a share. */
import { readdirSync, readFileSync } from "node:fs";
import { statOf } from "./process-usage.ts";

/** Percentages of all cores. */
export type MachineUsage = { idle: number; others: number };

type Ticks = { all: number; idle: number; own: number };

/** From now until the answer is called. `others`: neither this process nor one that descends from it. */
export function watchMachine(): () => MachineUsage {
  const before = ticks();
  return () => {
    const after = ticks();
    const share = (name: keyof Ticks): number => (100 * (after[name] - before[name])) / (after.all - before.all);
    return { idle: share("idle"), others: 100 - share("idle") - share("own") };
  };
}

function ticks(): Ticks {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of these.
  const times = line.split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = times;
  return { all: times.reduce((sum, time) => sum + time, 0), idle: idle + waiting, own: ownTicks() };
}

function ownTicks(): number {
  const stats = new Map<number, string[]>();
  for (const entry of readdirSync("/proc")) {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  const isOwn = (pid: number): boolean => pid === process.pid || (stats.has(pid) && isOwn(Number(stats.get(pid)?.[1])));
  return [...stats]
    .filter(([pid]) => isOwn(pid))
    .flatMap(([, stat]) => stat.slice(11, 15))
    .reduce((sum, time) => sum + Number(time), 0);
}
