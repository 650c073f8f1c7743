/** Failures as data: what shall go wrong with which request, and how often. */
import type { Clock } from "./clock.ts";
import { ConnectionError, type Handler } from "./handler.ts";
import { fraction, type Random } from "./random.ts";

export type FaultRule = {
  /** Method and path, `*` for any run of characters: `POST /v1/servers`, `* /v1/servers/*`. */
  on: string;
  /** How often it strikes; without it, always. */
  times?: number;
  /** Between 0 and 1, for each request; without it, 1. */
  probability?: number;
  action: FaultAction;
};

/** `drop: "request"`: nothing happens. `drop: "reply"`: the effect happens, but the client sees the connection break. */
export type FaultAction = FaultStatus | { delayMs: number } | { drop: "request" | "reply" };

/** An answer in the error format of the simulated vendor, in place of the effect. */
export type FaultStatus = { status: number; code?: string; message?: string; retryAfterSeconds?: number };

export type Faults = {
  /** The rules that can still strike, with what is left of their `times`. */
  rules(): readonly FaultRule[];
  /** Takes the place of all rules. */
  replace(rules: readonly FaultRule[]): void;
  add(rule: FaultRule): void;
};

export type FaultOptions = {
  faults: readonly FaultRule[];
  clock: Clock;
  random: Random;
  /** The vendor's error answer for a `FaultStatus`. */
  respond: (fault: FaultStatus) => Response;
};

/** The first status or drop rule that strikes decides; delays before it add up. */
export function injectFaults(handler: Handler, options: FaultOptions): { handle: Handler; faults: Faults } {
  const { clock, random, respond } = options;
  let rules = options.faults.map((rule) => ({ ...rule }));

  const strikes = (rule: FaultRule, target: string): boolean => {
    if (!matches(rule.on, target)) return false;
    if (rule.probability !== undefined && fraction(random) >= rule.probability) return false;
    if (rule.times !== undefined) {
      rule.times -= 1;
      rules = rules.filter(({ times }) => times === undefined || times > 0);
    }
    return true;
  };

  const handle: Handler = async (request) => {
    const target = `${request.method} ${new URL(request.url).pathname}`;
    for (const rule of rules) {
      if (!strikes(rule, target)) continue;
      const { action } = rule;
      if ("delayMs" in action) {
        await clock.sleep(action.delayMs, { signal: request.signal });
        continue;
      }
      if ("status" in action) return respond(action);
      if (action.drop === "reply") await handler(request);
      throw new ConnectionError("Lost", `fault: ${action.drop} of ${target} dropped`);
    }
    return handler(request);
  };

  return {
    handle,
    faults: {
      rules: () => rules,
      replace(next) {
        rules = next.map((rule) => ({ ...rule }));
      },
      add(rule) {
        rules = [...rules, { ...rule }];
      },
    },
  };
}

function matches(pattern: string, target: string): boolean {
  const source = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`).test(target);
}
