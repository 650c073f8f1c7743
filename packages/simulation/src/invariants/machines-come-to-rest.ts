import type { Machine } from "@machine-controller/api";
import type { Invariant } from "./invariant.ts";

export const machinesComeToRest: Invariant = {
  name: "Machines become Ready",
  promise: "Every Machine ends Ready, or says in its status what it waits for.",
  when: "at rest",
  watch:
    ({ cluster, wishes }) =>
    () => {
      for (const machine of cluster.objects.machines.values()) {
        if (machine.metadata.deletionTimestamp !== undefined || isReady(machine) || isExplained(machine)) continue;
        if (wishes.waitsForPerson(machine)) continue;
        const conditions = machine.status?.conditions?.map(
          ({ type, status, reason }) => `${type}=${status} ${reason ?? ""}`,
        );
        return `Machine ${machine.metadata.name} is neither Ready nor says why: ${conditions?.join(", ") ?? "no conditions"}`;
      }
      return undefined;
    },
};

export const isReady = (machine: Machine): boolean =>
  machine.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** A terminal state that a person has to end, named in the status. */
const isExplained = ({ status }: Machine): boolean => status?.errorReason !== undefined && !!status.errorMessage;
