import type { Invariant } from "./invariant.ts";
import { isReady } from "./observed.ts";

export const machinesComeToRest: Invariant = {
  name: "Machines become Ready",
  promise: "Every Machine ends Ready once whatever was wrong is mended.",
  when: "at rest",
  watch:
    ({ cluster }) =>
    () => {
      for (const machine of cluster.objects.machines.values()) {
        if (machine.metadata.deletionTimestamp !== undefined || isReady(machine)) continue;
        const conditions = machine.status?.conditions?.map(
          ({ type, status, reason }) => `${type}=${status} ${reason ?? ""}`,
        );
        return `Machine ${machine.metadata.name} does not become Ready: ${conditions?.join(", ") ?? "no conditions"}`;
      }
      return undefined;
    },
};
