import type { Invariant } from "./invariant.ts";
import { isByController } from "./observed.ts";

const PER_MACHINE = 60;
const PER_STRIKE = 40;
const PER_MINUTE = 30;

export const cloudCallsAreBounded: Invariant = {
  name: "cloud calls are bounded",
  promise: "What the cloud is asked grows with Machines, faults and time, and with nothing else.",
  when: "always",
  watch({ onEffect, cluster, fates, scheduler }) {
    const startMs = scheduler.now();
    const uids = new Set<string>();
    let calls = 0;
    cluster.onChange(({ kind, object }) => kind === "machines" && uids.add(object.metadata.uid ?? ""));
    onEffect(({ message }) => {
      if (message.to.kind === "cloud" && isByController(message)) calls += 1;
    });
    return () => {
      const minutes = (scheduler.now() - startMs) / 60_000;
      const bound = PER_MACHINE * (1 + uids.size) + PER_STRIKE * fates.strikes.length + PER_MINUTE * minutes;
      return calls > bound
        ? `${calls} cloud calls for ${uids.size} Machines and ${fates.strikes.length} faults in ${minutes.toFixed(1)} min`
        : undefined;
    };
  },
};
