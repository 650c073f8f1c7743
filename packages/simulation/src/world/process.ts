/**
 * A process in the world: its own clock, its own randomness, and a life. A killed process hears nothing any more, so its
 * pending awaits simply never end; a frozen one hears everything later.
 */
import { createRandom, type Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export type Clock = {
  now(): number;
  uptime(): number;
  sleep(ms: number, options: { signal: AbortSignal }): Promise<void>;
};

export type Process = {
  /** Stays over restarts: `controller-a`. */
  readonly name: string;
  /** Which of its lives this is, from 1. */
  readonly generation: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly isAlive: boolean;
  /** Lets something from outside reach the process: now, when it thaws, or never. */
  deliver(effect: () => void): void;
  kill(): void;
  freeze(ms: number): void;
  /** Sets its clock forward, or back. What it sleeps takes as long as before. */
  turnClock(byMs: number): void;
  /** Told once, when the process is killed. */
  onKill(hook: () => void): void;
};

export function createProcess(
  scheduler: Scheduler,
  options: { name: string; generation: number; seed: string },
): Process {
  const { name, generation, seed } = options;
  const hooks: (() => void)[] = [];
  let isAlive = true;
  let frozenUntilMs = 0;
  let skewMs = 0;

  /** What came while it was frozen, in order, as connections keep it. */
  const waiting: (() => void)[] = [];

  function deliver(effect: () => void): void {
    if (!isAlive) return;
    const frozenMs = frozenUntilMs - scheduler.now();
    if (frozenMs <= 0 && waiting.length === 0) return effect();
    if (waiting.push(effect) === 1) scheduler.after(Math.max(0, frozenMs), thaw);
  }

  /** One at a time: what it makes of each may come in between. */
  function thaw(): void {
    if (!isAlive) return;
    const frozenMs = frozenUntilMs - scheduler.now();
    if (frozenMs <= 0) waiting.shift()?.();
    if (waiting.length > 0) scheduler.after(Math.max(0, frozenMs), thaw);
  }

  return {
    name,
    generation,
    random: createRandom(`${seed}/${name}/${generation}`),
    get isAlive() {
      return isAlive;
    },
    clock: {
      now: () => scheduler.now() + skewMs,
      uptime: () => scheduler.now(),
      sleep(ms, { signal }) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        if (signal.aborted) reject(signal.reason);
        else {
          const cancel = scheduler.after(Math.ceil(ms), () => {
            deliver(() => {
              signal.removeEventListener("abort", abort);
              resolve();
            });
          });
          const abort = (): void => {
            cancel();
            reject(signal.reason);
          };
          signal.addEventListener("abort", abort, { once: true });
        }
        return promise;
      },
    },
    deliver,
    kill() {
      if (!isAlive) return;
      isAlive = false;
      for (const hook of hooks) hook();
    },
    freeze: (ms) => void (frozenUntilMs = Math.max(frozenUntilMs, scheduler.now() + ms)),
    turnClock: (byMs) => void (skewMs += byMs),
    onKill: (hook) => void hooks.push(hook),
  };
}
