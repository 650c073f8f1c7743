/** What every part of the server shares: store, kinds, time, randomness, keys. One value a control plane. */
import type { Webhooks } from "./admission/webhooks.ts";
import type { Clock } from "./clock.ts";
import type { LogLine } from "./log-line.ts";
import type { Random } from "./random.ts";
import type { Registry } from "./registry/registry.ts";
import type { CheckGrant } from "./security/grants.ts";
import type { Storage } from "./storage/storage.ts";

export type Server = {
  storage: Storage;
  registry: Registry;
  clock: Clock;
  random: Random;
  log: (line: LogLine) => void;
  webhooks: Webhooks;
  checkGrant: CheckGrant;
  /** Aborts when the control plane closes; open watches end with it. */
  closing: AbortSignal;
};
