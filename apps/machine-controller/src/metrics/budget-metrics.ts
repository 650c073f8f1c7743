/** What is left of each cloud credential's rate limit. Credentials are named by a fingerprint that tells nothing of them. */
import type { CallBudget } from "@machine-controller/provider";
import type { Registry } from "prom-client";
import { registerCollected, type Sample } from "./collected-metric.ts";

type Of = { provider: string; credential: string };

/** Credentials that were rotated away leave by themselves. */
const MOST = 256;

/** @returns takes a budget in; one of the same credential replaces the one before. */
export function createBudgetMetrics(registry: Registry): (of: Of, budget: Pick<CallBudget, "state">) => void {
  const budgets = new Map<string, { of: Of; budget: Pick<CallBudget, "state"> }>();
  const collect = (read: (state: CallBudget["state"]) => number) =>
    function* (): Iterable<Sample> {
      for (const { of, budget } of budgets.values()) {
        const value = read(budget.state);
        // No limit is known yet.
        if (Number.isFinite(value)) yield { labels: of, value };
      }
    };
  const gauges: Record<string, [help: string, read: (state: CallBudget["state"]) => number]> = {
    machine_controller_cloud_budget_left: ["Calls that the credential may send at once.", ({ left }) => left],
    machine_controller_cloud_budget_waiting: ["Calls that wait for the credential's limit.", ({ waiting }) => waiting],
    machine_controller_cloud_budget_paused_seconds: [
      "For how long the cloud asked to be left alone.",
      ({ pausedMs }) => pausedMs / 1_000,
    ],
  };
  for (const [name, [help, read]] of Object.entries(gauges)) {
    registerCollected(registry, { name, help, type: "gauge", collect: collect(read) });
  }
  return (of, budget) => {
    const key = `${of.provider} ${of.credential}`;
    budgets.delete(key);
    budgets.set(key, { of, budget });
    const [oldest] = budgets.keys();
    if (budgets.size > MOST && oldest !== undefined) budgets.delete(oldest);
  };
}
