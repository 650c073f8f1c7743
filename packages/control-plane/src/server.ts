/** What every part of the server shares: store, kinds, time, randomness, keys. One value a control plane. */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { Registry } from "./registry/registry.ts";
import type { Storage } from "./storage/storage.ts";

export type LogLine = { level: "debug" | "info" | "warn" | "error"; message: string; [field: string]: unknown };

export type Server = {
  storage: Storage;
  registry: Registry;
  clock: Clock;
  random: Random;
  log: (line: LogLine) => void;
  /** Aborts when the control plane closes; open watches end with it. */
  closing: AbortSignal;
};
