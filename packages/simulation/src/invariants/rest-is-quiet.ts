import type { Invariant } from "./invariant.ts";
import { isByController } from "./observed.ts";

/** The world may still write down what it saw last. */
const MOST_WRITES = 1;
const CLOUD_CALLS_PER_MINUTE = 4;

export const restIsQuiet: Invariant = {
  name: "rest is quiet",
  promise: "Once nothing happens any more, the controllers write to no object more than once and hardly ask the cloud.",
  when: "at rest",
  watch({ onEffect, scheduler, rest }) {
    const writes = new Map<string, number>();
    let cloudCalls = 0;
    onEffect(({ message, status }) => {
      if (rest.sinceMs === undefined || !isByController(message)) return;
      if (message.to.kind === "cloud") cloudCalls += 1;
      else if (message.method !== "GET" && status < 300 && !message.path.includes("/leases")) {
        const [path = ""] = message.path.split("?");
        writes.set(path, (writes.get(path) ?? 0) + 1);
      }
    });
    return () => {
      if (rest.sinceMs === undefined) return undefined;
      for (const [path, count] of writes) if (count > MOST_WRITES) return `${count} writes of ${path} while at rest`;
      const minutes = (scheduler.now() - rest.sinceMs) / 60_000;
      return cloudCalls > CLOUD_CALLS_PER_MINUTE * Math.max(1, minutes)
        ? `${cloudCalls} cloud calls in ${minutes.toFixed(1)} quiet minutes`
        : undefined;
    };
  },
};
