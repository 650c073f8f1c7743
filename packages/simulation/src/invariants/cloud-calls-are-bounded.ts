import type { Invariant } from "./invariant.ts";
import { isByController } from "./observed.ts";

const PER_MACHINE = 60;
const PER_STRIKE = 40;
const PER_MINUTE = 30;
/** Refused calls within a minute: a few controllers ask, and pauses double from a second. */
const REFUSED_PER_MACHINE = 10;
const REFUSED = 15;
const MINUTE_MS = 60_000;

export const cloudCallsAreBounded: Invariant = {
  name: "cloud calls are bounded",
  promise:
    "What the cloud is asked grows with Machines, faults and time, and with nothing else; what it refuses is asked again " +
    "only after a pause that grows.",
  when: "always",
  watch({ onEffect, cluster, fates, scheduler }) {
    const startMs = scheduler.now();
    const uids = new Set<string>();
    let calls = 0;
    const refusedAtMs: number[] = [];
    cluster.onChange(({ kind, object }) => kind === "machines" && uids.add(object.metadata.uid ?? ""));
    onEffect(({ message, status }) => {
      if (message.to.kind !== "cloud" || !isByController(message)) return;
      calls += 1;
      // That nothing is there is an answer, not a refusal.
      if (status >= 400 && status !== 404) refusedAtMs.push(scheduler.now());
    });
    return () => {
      while (scheduler.now() - (refusedAtMs[0] ?? Infinity) > MINUTE_MS) refusedAtMs.shift();
      if (refusedAtMs.length > REFUSED + REFUSED_PER_MACHINE * uids.size)
        return `${refusedAtMs.length} cloud calls of ${uids.size} Machines refused within a minute`;
      const minutes = (scheduler.now() - startMs) / 60_000;
      const bound = PER_MACHINE * (1 + uids.size) + PER_STRIKE * fates.strikes.length + PER_MINUTE * minutes;
      return calls > bound
        ? `${calls} cloud calls for ${uids.size} Machines and ${fates.strikes.length} faults in ${minutes.toFixed(1)} min`
        : undefined;
    };
  },
};
